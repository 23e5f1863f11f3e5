/** Computes the pauses between failing attempts: exponential backoff, with jitter so that instances do not retry together. */

const FIRST_PAUSE_SECONDS = 0.5;
const MAX_PAUSE_SECONDS = 30;
/** The longest pause before an attempt that a request needs to proceed, in seconds. */
const MAX_PAUSE_ON_DEMAND_SECONDS = 1;

export class Backoff {
  #failures = 0;
  #retryAt = 0;
  #retryOnDemandAt = 0;

  /**
   * @param tolerated the number of consecutive failures that cause no pause
   * @param maxPause the longest pause, in seconds, unless the provider requests a longer one
   */
  constructor(
    private readonly tolerated = 0,
    private readonly maxPause = MAX_PAUSE_SECONDS,
  ) {}

  /** The number of failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Seconds until the next attempt; 0 when it is due. */
  get remaining(): number {
    return Math.max(0, this.#retryAt - monotonicSeconds());
  }

  /** The same for an attempt that a request needs to proceed. Never more than {@link remaining}. */
  get remainingOnDemand(): number {
    return Math.max(0, this.#retryOnDemandAt - monotonicSeconds());
  }

  /** @param asked the pause that the provider requested, in seconds. It also delays attempts that a request needs */
  fail(asked = 0): void {
    const beyond = ++this.#failures - this.tolerated;
    const longest = beyond > 0 ? Math.min(FIRST_PAUSE_SECONDS * 2 ** (beyond - 1), this.maxPause) : 0;
    const pause = longest * (0.5 + Math.random() / 2);
    const now = monotonicSeconds();
    this.#retryAt = now + Math.max(pause, asked);
    this.#retryOnDemandAt = now + Math.max(Math.min(pause, MAX_PAUSE_ON_DEMAND_SECONDS), asked);
  }

  /** Delays the next attempt by at least this many seconds, without counting a failure. */
  wait(seconds: number): void {
    this.#retryAt = Math.max(this.#retryAt, monotonicSeconds() + seconds);
  }

  succeed(): void {
    this.#failures = 0;
    this.#retryAt = 0;
    this.#retryOnDemandAt = 0;
  }
}

/** A gain of the wall clock on the monotonic clock, in seconds: a smaller one may be a correction, a larger one a suspension. */
const MIN_SUSPENSION_SECONDS = 2;

const running = (): number => performance.now() / 1000;
const wallAhead = (): number => Date.now() / 1000 - running();

let knownAhead = wallAhead();
let suspended = 0;

/**
 * Returns the time of a clock that never goes back, in seconds: a jump of the wall clock must not keep a withdrawn key valid.
 *
 * The clock also advances while the host is suspended. On Linux `performance.now()` stands still then (a laptop that sleeps,
 * a virtual machine or a function that is frozen), so keys, cached responses and pauses would last longer by that time. A
 * wall clock that is set forward looks like a suspension: they then end early.
 */
export function monotonicSeconds(): number {
  const ahead = wallAhead();
  const gained = ahead - knownAhead;
  // A smaller gain is not reset, so that many short suspensions add up.
  if (gained < 0 || gained > MIN_SUSPENSION_SECONDS) {
    suspended += Math.max(0, gained);
    knownAhead = ahead;
  }
  return running() + suspended;
}
