/** What is kept for a while? Bounded: the oldest goes first. Nothing is given out after its time. */
interface Entry<Value> {
  readonly value: Value;
  readonly endsAt: number;
}

export class ExpiringMap<Value> {
  readonly #entries = new Map<string, Entry<Value>>();

  /** @param lifetime of every entry, in milliseconds */
  constructor(
    private readonly most: number,
    private readonly lifetime: number,
  ) {}

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.endsAt > Date.now()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, endsAt: Date.now() + this.lifetime });
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > this.most && !oldest.done) this.#entries.delete(oldest.value);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** Gives it out once. */
  take(key: string): Value | undefined {
    const value = this.get(key);
    this.delete(key);
    return value;
  }
}
