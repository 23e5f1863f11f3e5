/** How long is a provider that failed left alone? Longer each time, and not equally long in all instances. */

const FIRST_PAUSE_SECONDS = 0.5;
const MAX_PAUSE_SECONDS = 30;

export class Backoff {
  #failures = 0;
  #retryAt = 0;

  /**
   * @param tolerated so many failures in a row call for no pause yet
   * @param maxPause the longest pause, in seconds, unless a longer one is asked for
   */
  constructor(
    private readonly tolerated = 0,
    private readonly maxPause = MAX_PAUSE_SECONDS,
  ) {}

  /** Since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Seconds until the next attempt makes sense; 0 when it does now. */
  get remaining(): number {
    return Math.max(0, this.#retryAt - monotonicSeconds());
  }

  /** @param asked what the provider itself asked for, in seconds */
  fail(asked = 0): void {
    const beyond = ++this.#failures - this.tolerated;
    const pause = beyond > 0 ? Math.min(FIRST_PAUSE_SECONDS * 2 ** (beyond - 1), this.maxPause) : 0;
    this.#retryAt = monotonicSeconds() + Math.max(pause * (0.5 + Math.random() / 2), asked);
  }

  /** The next attempt waits for so many seconds at least, though none has failed. */
  wait(seconds: number): void {
    this.#retryAt = Math.max(this.#retryAt, monotonicSeconds() + seconds);
  }

  succeed(): void {
    this.#failures = 0;
    this.#retryAt = 0;
  }
}

/** A clock that nobody sets: a jump of the wall clock must not keep a withdrawn key alive. */
export function monotonicSeconds(): number {
  return performance.now() / 1000;
}
