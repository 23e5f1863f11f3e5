/** An allowance that outsiders can use up, and that comes back with time: a token bucket. */
import { monotonicSeconds } from './backoff.js';

export class Allowance {
  #left: number;
  #countedAt = monotonicSeconds();

  /**
   * @param max what is there at the start, and again after a quiet time
   * @param perSecond what comes back
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

  /** What is spent beyond the allowance is owed. */
  spend(amount: number): void {
    this.#left = this.left - amount;
  }
}
