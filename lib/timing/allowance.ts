/** Limits work that clients can cause: a token bucket. */
import { monotonicSeconds } from './backoff.js';

export class Allowance {
  #left: number;
  #countedAt = monotonicSeconds();

  /**
   * @param max the amount at the start, and the most that the bucket refills to
   * @param perSecond the amount that is refilled per second
   */
  constructor(
    private readonly max: number,
    private readonly perSecond: number,
  ) {
    this.#left = max;
  }

  get left(): number {
    const now = monotonicSeconds();
    const passed = Math.max(0, now - this.#countedAt);
    this.#countedAt = now;
    return (this.#left = Math.min(this.#left + passed * this.perSecond, this.max));
  }

  /** Spends more than is left if necessary: the balance is then negative. */
  spend(amount: number): void {
    this.#left = this.left - amount;
  }
}
