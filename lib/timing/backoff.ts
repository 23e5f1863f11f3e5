/** How long is a provider that failed left alone? Longer each time, and not equally long in all instances. */

const FIRST_PAUSE_SECONDS = 0.5;
const MAX_PAUSE_SECONDS = 30;

export class Backoff {
  #failures = 0;
  #retryAt = 0;

  /** @param tolerated so many failures in a row call for no pause yet */
  constructor(private readonly tolerated = 0) {}

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
    const pause = beyond > 0 ? Math.min(FIRST_PAUSE_SECONDS * 2 ** (beyond - 1), MAX_PAUSE_SECONDS) : 0;
    this.#retryAt = monotonicSeconds() + Math.max(pause * (0.5 + Math.random() / 2), asked);
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
