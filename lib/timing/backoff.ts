/** Pauses between attempts at something that fails: longer each time, and not equally long in all instances. */

const FIRST_PAUSE_SECONDS = 0.5;
const MAX_PAUSE_SECONDS = 30;
/** A request that cannot go on otherwise starts an attempt after at most this pause, in seconds. */
const MAX_PAUSE_ON_DEMAND_SECONDS = 1;

export class Backoff {
  #failures = 0;
  #retryAt = 0;
  #retryOnDemandAt = 0;

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

  /** Seconds until the next attempt that no request waits for; 0 when it is due. */
  get remaining(): number {
    return Math.max(0, this.#retryAt - monotonicSeconds());
  }

  /** Seconds until the next attempt that a request needs; 0 when it may start. Never more than {@link remaining}. */
  get remainingOnDemand(): number {
    return Math.max(0, this.#retryOnDemandAt - monotonicSeconds());
  }

  /** @param asked what the provider itself asked for, in seconds: it holds for requests, too */
  fail(asked = 0): void {
    const beyond = ++this.#failures - this.tolerated;
    const longest = beyond > 0 ? Math.min(FIRST_PAUSE_SECONDS * 2 ** (beyond - 1), this.maxPause) : 0;
    const pause = longest * (0.5 + Math.random() / 2);
    const now = monotonicSeconds();
    this.#retryAt = now + Math.max(pause, asked);
    this.#retryOnDemandAt = now + Math.max(Math.min(pause, MAX_PAUSE_ON_DEMAND_SECONDS), asked);
  }

  /** The next attempt waits for so many seconds at least, though none has failed. */
  wait(seconds: number): void {
    this.#retryAt = Math.max(this.#retryAt, monotonicSeconds() + seconds);
  }

  succeed(): void {
    this.#failures = 0;
    this.#retryAt = 0;
    this.#retryOnDemandAt = 0;
  }
}

/** What the wall clock gains on the other one: less than this may be a correction, more is a suspension. Seconds. */
const MIN_SUSPENSION_SECONDS = 2;

const running = (): number => performance.now() / 1000;
const wallAhead = (): number => Date.now() / 1000 - running();

let knownAhead = wallAhead();
let suspended = 0;

/**
 * A clock that nobody sets back: a jump of the wall clock must not keep a withdrawn key alive.
 *
 * It goes on while the machine is suspended. The clock that Node measures with stands still then on Linux (a laptop that
 * sleeps, a virtual machine or a function that is frozen), and keys, answers and pauses would outlive that time. A wall
 * clock that is set forward looks the same: then they end early.
 */
export function monotonicSeconds(): number {
  const ahead = wallAhead();
  const gained = ahead - knownAhead;
  // Less is kept in mind: many short suspensions add up.
  if (gained < 0 || gained > MIN_SUSPENSION_SECONDS) {
    suspended += Math.max(0, gained);
    knownAhead = ahead;
  }
  return running() + suspended;
}
