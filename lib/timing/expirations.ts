/**
 * Ends connections when their token expires, with one heap of deadlines and one timer for all of them.
 *
 * The timer checks the clock twice a second while any deadline is pending. It therefore supports deadlines beyond the longest
 * delay of a Node timer, and detects those that passed while the process was suspended or when the clock was set.
 */
import { outsideRequests } from './outside-requests.js';

const TICK_MS = 500;

/** An item with a deadline. It is its own entry in the heap: a separate object for each would cost as much memory again. */
export interface Expiring {
  /** The deadline, in seconds since 1970. Written by {@link Expirations} only. */
  endsAt?: number;
  /** The last position in the heap. Written by {@link Expirations} only. */
  position?: number;
}

type Entry<Item> = Item & Required<Expiring>;

export class Expirations<Item extends Expiring> {
  /** A binary heap: no entry ends later than its two children. */
  readonly #heap: Entry<Item>[] = [];
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param end called once for each item, at most a second after its deadline
   * @param now seconds since 1970, corrected by the known error of the host's clock
   */
  constructor(
    private readonly end: (item: Item) => void,
    private readonly now: () => number = () => Date.now() / 1000,
  ) {}

  get size(): number {
    return this.#heap.length;
  }

  /** A copy of all pending items, in no particular order. */
  get items(): readonly Item[] {
    return [...this.#heap];
  }

  /**
   * Adds an item, or changes the deadline of one that is pending.
   *
   * @param at seconds since 1970. `Infinity`: the item is kept without a deadline
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

  /** @returns `false` for an item that has ended or was removed already */
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

  /** Removes all items without ending them. */
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
