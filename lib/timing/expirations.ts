/**
 * Ends what outlives its token: one heap of deadlines for all connections, and one timer.
 *
 * The timer looks at the clock twice a second while anything waits. So it finds a deadline that is further away than
 * Node's timers reach, and one that passed while the process was suspended or while the clock was set.
 */
import { outsideRequests } from './outside-requests.js';

const TICK_MS = 500;

/** Something that ends. */
export interface Expiration {
  /** When, in seconds since 1970. */
  readonly at: number;
}

interface Entry extends Expiration {
  at: number;
  readonly end: () => void;
  /** The place in the heap; -1 once it is out. */
  index: number;
}

export class Expirations {
  /** A binary heap: each entry ends no later than the two below it. */
  readonly #heap: Entry[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param now seconds since 1970, corrected by the known error of this machine's clock */
  constructor(private readonly now: () => number = () => Date.now() / 1000) {}

  get size(): number {
    return this.#heap.length;
  }

  /**
   * Calls `end` once, at most a second after the time has come.
   *
   * @param at seconds since 1970
   */
  add(at: number, end: () => void): Expiration {
    const entry: Entry = { at, end, index: this.#heap.length };
    this.#heap.push(entry);
    this.#rise(entry);
    this.#timer ??= outsideRequests(() => setInterval(() => this.#tick(), TICK_MS).unref());
    return entry;
  }

  /** Gives another time to what has not ended yet. */
  move(expiration: Expiration, at: number): void {
    const entry = expiration as Entry;
    if (entry.index === -1) return;
    entry.at = at;
    this.#rise(entry);
    this.#sink(entry);
  }

  /** What is over already, or was removed before, stays so. */
  remove(expiration: Expiration): void {
    const entry = expiration as Entry;
    const { index } = entry;
    if (index === -1) return;
    const last = this.#heap.pop();
    entry.index = -1;
    if (last !== undefined && last !== entry) {
      this.#place(last, index);
      this.#rise(last);
      this.#sink(last);
    }
    if (this.#heap.length === 0) this.stop();
  }

  /** Forgets everything; nothing is ended. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const entry of this.#heap) entry.index = -1;
    this.#heap.length = 0;
  }

  #tick(): void {
    const now = this.now();
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.remove(first);
      first.end();
    }
  }

  #rise(entry: Entry): void {
    for (let index = entry.index; index > 0; index = entry.index) {
      const parent = this.#heap[(index - 1) >> 1];
      if (!parent || parent.at <= entry.at) return;
      this.#place(parent, index);
      this.#place(entry, (index - 1) >> 1);
    }
  }

  #sink(entry: Entry): void {
    for (;;) {
      const below = 2 * entry.index + 1;
      const [left, right] = [this.#heap[below], this.#heap[below + 1]];
      const child = left && right && right.at < left.at ? right : left;
      if (!child || child.at >= entry.at) return;
      const { index } = child;
      this.#place(child, entry.index);
      this.#place(entry, index);
    }
  }

  #place(entry: Entry, index: number): void {
    this.#heap[index] = entry;
    entry.index = index;
  }
}
