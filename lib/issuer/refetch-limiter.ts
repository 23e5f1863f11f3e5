/**
 * Limits the fetches for tokens with an unknown key to one per second, however many such tokens arrive. A new key is found
 * within a second, even during a flood of invented `kid` values.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Allowance } from '../timing/allowance.js';
import { monotonicSeconds } from '../timing/backoff.js';

/** Seconds between two fetches. */
const MAX_INTERVAL_SECONDS = 1;
/** The number of `kid` values that requests may wait for. A flood of invented ones exhausts it, and then gets 503 at once. */
const LOOK_UPS = { burst: 400, perSecond: 0.5 } as const;
/** The maximum number of requests that wait: many requests arrive with a new key. */
const MAX_WAITING = 2000;
/** How long a `kid` that was not found is not looked up again, in seconds; twice as long each time. */
const ABSENT_SECONDS = { first: 2, max: 10 } as const;
const MAX_ABSENT = 1000;
/** Longer names are cached by their hash, to keep the cache small. */
const MAX_NAME_LENGTH = 256;

export class RefetchLimiter {
  readonly #lookUps = new Allowance(LOOK_UPS.burst, LOOK_UPS.perSecond);
  readonly #interval: number;
  #absent: LRUCache<string, { readonly seconds: number; readonly until: number }> | undefined;
  #nextAt = 0;
  #next: Promise<void> | undefined;
  #waiting = 0;
  /** The number of requests that wait for each name. */
  readonly #waitingFor = new Map<string, number>();

  /** @param responseTimeout in seconds: a request that waits for a fetch must have time left for the fetch */
  constructor(responseTimeout: number) {
    this.#interval = Math.min(MAX_INTERVAL_SECONDS, responseTimeout / 3);
  }

  /** Returns whether the last fetch for this name, a few seconds ago, did not find it. */
  isAbsent(name: string): boolean {
    return monotonicSeconds() < (this.#absent?.get(shorten(name))?.until ?? 0);
  }

  rememberAbsent(name: string): void {
    // Concurrent look-ups end together and count once.
    if (this.isAbsent(name)) return;
    const key = shorten(name);
    const absent = (this.#absent ??= new LRUCache({ max: MAX_ABSENT }));
    const before = absent.get(key)?.seconds ?? ABSENT_SECONDS.first / 2;
    const seconds = Math.min(before * 2, ABSENT_SECONDS.max);
    absent.set(key, { seconds, until: monotonicSeconds() + seconds });
  }

  /** Returns whether another request may wait for a fetch. Requests that wait for the same name use one look-up. */
  admits(name: string | undefined): boolean {
    const isShared = name !== undefined && this.#waitingFor.has(name);
    return this.#waiting < MAX_WAITING && (isShared || this.#lookUps.left >= 1);
  }

  /** Runs an admitted look-up. @param name `undefined` for a token without `kid`, each of which counts */
  async count<Result>(name: string | undefined, lookUp: () => Promise<Result>): Promise<Result> {
    const others = (name !== undefined && this.#waitingFor.get(name)) || 0;
    if (others === 0) this.#lookUps.spend(1);
    this.#waiting++;
    if (name !== undefined) this.#waitingFor.set(name, others + 1);
    try {
      return await lookUp();
    } finally {
      this.#waiting--;
      if (name !== undefined) this.#leave(name);
    }
  }

  #leave(name: string): void {
    const others = (this.#waitingFor.get(name) ?? 1) - 1;
    if (others > 0) this.#waitingFor.set(name, others);
    else this.#waitingFor.delete(name);
  }

  /** Waits until the next fetch is due. Concurrent callers share one wait. */
  async waitForFetch(): Promise<void> {
    const wait = Math.min(this.#nextAt - monotonicSeconds(), this.#interval);
    if (this.#next === undefined && wait <= 0) this.#nextAt = monotonicSeconds() + this.#interval;
    else await (this.#next ??= this.#waitForNext(wait));
  }

  async #waitForNext(seconds: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000).unref());
    this.#next = undefined;
    this.#nextAt = monotonicSeconds() + this.#interval;
  }
}

function shorten(name: string): string {
  return name.length <= MAX_NAME_LENGTH ? name : createHash('sha256').update(name).digest('base64url');
}
