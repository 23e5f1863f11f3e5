/** Bounds how many calls are under way at a time. Others wait, in the order in which they came. */

export class CallSlots {
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly max: number,
    private readonly maxWaiting: number,
  ) {}

  /**
   * Takes a slot, which {@link release} gives back.
   *
   * @returns `true` at once, a promise of it where the call has to wait, `false` if too many wait already
   */
  take(): boolean | Promise<true> {
    if (this.#taken < this.max) {
      this.#taken++;
      return true;
    }
    if (this.#waiting.length >= this.maxWaiting) return false;
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(true));
    });
  }

  /** Hands the slot to the call that has waited longest. */
  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken--;
  }
}
