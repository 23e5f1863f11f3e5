/**
 * Ends what outlives its token: one heap of deadlines for all connections, and one timer.
 *
 * The timer looks at the clock twice a second while anything waits. So it finds a deadline that is further away than
 * Node's timers reach, and one that passed while the process was suspended or while the clock was set.
 */
import { outsideRequests } from './outside-requests.js';

const TICK_MS = 500;

/** Something that ends. It is its own entry in the heap: an object for each would cost as much memory as the deadline is for. */
export interface Expiring {
  /** When, in seconds since 1970. Written by {@link Expirations} only. */
  endsAt?: number;
  /** The position in the heap, where it was put last. Written by {@link Expirations} only. */
  position?: number;
}

type Entry<Item> = Item & Required<Expiring>;

export class Expirations<Item extends Expiring> {
  /** A binary heap: each entry ends no later than the two below it. */
  readonly #heap: Entry<Item>[] = [];
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param end called once for each, at most a second after the time has come
   * @param now seconds since 1970, corrected by the known error of this machine's clock
   */
  constructor(
    private readonly end: (item: Item) => void,
    private readonly now: () => number = () => Date.now() / 1000,
  ) {}

  get size(): number {
    return this.#heap.length;
  }

  /** All that wait, in no order; a copy. */
  get items(): readonly Item[] {
    return [...this.#heap];
  }

  /**
   * What waits already gets another time.
   *
   * @param at seconds since 1970. `Infinity`: it is kept, and does not end
   */
  add(item: Item, at: number): void {
    const entry = item as Entry<Item>;
    entry.endsAt = at;
    if (!this.#has(entry)) {
      entry.position = this.#heap.length;
      this.#heap.push(entry);
    }
    this.#rise(entry);
    this.#sink(entry);
    this.#keepTime();
  }

  /** @returns `false` for what is over already, or was removed before */
  remove(item: Item): boolean {
    const entry = item as Entry<Item>;
    if (!this.#has(entry)) return false;
    const { position } = entry;
    const last = this.#heap.pop();
    if (last !== undefined && last !== entry) {
      this.#place(last, position);
      this.#rise(last);
      this.#sink(last);
    }
    this.#keepTime();
    return true;
  }

  /** Forgets everything; nothing is ended. */
  stop(): void {
    this.#heap.length = 0;
    this.#keepTime();
  }

  #has(entry: Entry<Item>): boolean {
    return this.#heap[entry.position] === entry;
  }

  #keepTime(): void {
    const [first] = this.#heap;
    if (first !== undefined && first.endsAt !== Infinity) {
      this.#timer ??= outsideRequests(() => setInterval(() => this.#tick(), TICK_MS).unref());
      return;
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const now = this.now();
    for (let first = this.#heap[0]; first !== undefined && first.endsAt <= now; first = this.#heap[0]) {
      this.remove(first);
      this.end(first);
    }
  }

  #rise(entry: Entry<Item>): void {
    for (let at = entry.position; at > 0; at = entry.position) {
      const parent = this.#heap[(at - 1) >> 1];
      if (!parent || parent.endsAt <= entry.endsAt) return;
      this.#place(parent, at);
      this.#place(entry, (at - 1) >> 1);
    }
  }

  #sink(entry: Entry<Item>): void {
    for (;;) {
      const below = 2 * entry.position + 1;
      const [left, right] = [this.#heap[below], this.#heap[below + 1]];
      const child = left && right && right.endsAt < left.endsAt ? right : left;
      if (!child || child.endsAt >= entry.endsAt) return;
      const { position } = child;
      this.#place(child, entry.position);
      this.#place(entry, position);
    }
  }

  #place(entry: Entry<Item>, position: number): void {
    this.#heap[position] = entry;
    entry.position = position;
  }
}
