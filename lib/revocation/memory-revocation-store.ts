/** Stores revocations in the memory of one instance. */
import type { Revocation } from './revocation.js';
import { MAX_REVOCATIONS, type RevocationListener, type RevocationStore } from './revocation-store.js';

/**
 * The default {@link RevocationStore}: in the memory of this process. Other instances do not receive its revocations, and a
 * restart clears it.
 */
export class MemoryRevocationStore implements RevocationStore {
  /** Oldest first. An entry that lives longer than its successors only delays their removal. */
  readonly #revocations = new Map<string, Revocation>();
  readonly #listeners = new Set<RevocationListener>();

  /**
   * @param max the maximum number of revocations; a revocation that still applies is never evicted. @default 1,000,000
   */
  constructor(private readonly max = MAX_REVOCATIONS) {}

  /** @throws {Error} if the store is full */
  add(revocation: Revocation): boolean {
    this.#expire();
    const known = this.#revocations.get(revocation.id);
    if (known && known.until > now()) return false;
    if (this.#revocations.size >= this.max) this.#expire(true);
    if (this.#revocations.size >= this.max) throw new Error('the revocation store is full');
    this.#revocations.delete(revocation.id);
    this.#revocations.set(revocation.id, revocation);
    for (const listen of this.#listeners) listen(revocation);
    return true;
  }

  list(): readonly Revocation[] {
    this.#expire(true);
    return [...this.#revocations.values()];
  }

  // This store cannot be disconnected: the observer is never called.
  subscribe(listener: RevocationListener, _observer?: unknown): () => void {
    // A separate function for each subscription, even for the same listener.
    const listen: RevocationListener = (revocation) => listener(revocation);
    this.#listeners.add(listen);
    return () => this.#listeners.delete(listen);
  }

  #expire(all = false): void {
    const time = now();
    for (const [id, { until }] of this.#revocations) {
      if (until <= time) this.#revocations.delete(id);
      else if (!all) return;
    }
  }
}

const now = (): number => Date.now() / 1000;
