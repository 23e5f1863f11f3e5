/** The clocks of a shop's processes: a file says by how many seconds they are ahead, and clock.js, in each of them, reads it. */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export class ShopClock {
  readonly #path = join(tmpdir(), `monoshop-clock-${randomUUID()}`);
  readonly #file = openSync(this.#path, 'w');
  readonly #seconds = new Float64Array(1);

  constructor() {
    this.advance(0);
  }

  /** For every process of the shop. */
  get environment(): Record<string, string> {
    return {
      SHOP_CLOCK: this.#path,
      NODE_OPTIONS: `--import=${pathToFileURL('test/browser/support/clock.js').href}`,
    };
  }

  advance(seconds: number): void {
    this.#seconds[0] = (this.#seconds[0] ?? 0) + seconds;
    writeSync(this.#file, this.#seconds, 0, this.#seconds.byteLength, 0);
  }

  remove(): void {
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }
}
