/** Limits the number of concurrent calls. Further calls wait, in the order of their arrival. */

export class CallSlots {
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly max: number,
    private readonly maxWaiting: number,
  ) {}

  /**
   * Takes a slot, which must be returned with {@link release}.
   *
   * @returns `true` if a slot is free, a promise of `true` if the call has to wait, `false` if too many calls wait already
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

  /** Passes the slot to the call that has waited longest. */
  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken--;
  }
}
