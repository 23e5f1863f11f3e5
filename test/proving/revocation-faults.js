/** A store of revocations that can be made to fail. */
import { MemoryRevocationStore } from 'nestjs-resource-server';

export class RevocationFaults {
  #memory = new MemoryRevocationStore();
  fails = false;

  async add(revocation) {
    this.#refuse();
    return this.#memory.add(revocation);
  }

  async list() {
    this.#refuse();
    return this.#memory.list();
  }

  subscribe(listener) {
    return this.#memory.subscribe(listener);
  }

  #refuse() {
    if (this.fails) throw new Error('the store is down');
  }
}
