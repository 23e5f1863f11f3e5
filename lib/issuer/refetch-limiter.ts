/**
 * Limits the fetches for tokens whose key is not known: one a second, however many such tokens come. So a new key is found
 * within a second, also during a flood of invented names.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Allowance } from '../timing/allowance.js';
import { monotonicSeconds } from '../timing/backoff.js';

/** Seconds between two fetches. */
const MAX_INTERVAL_SECONDS = 1;
/** Names that requests may wait for: a flood of invented ones uses this up, and is answered 503 at once then. */
const LOOK_UPS = { burst: 400, perSecond: 0.5 } as const;
/** Requests that wait at the same time: with a new key come many that name it. */
const MAX_WAITING = 2000;
/** A name that was looked up and not found is not looked up again so soon, in seconds; twice as long each time. */
const ABSENT_SECONDS = { first: 2, max: 10 } as const;
const MAX_ABSENT = 1000;
/** Of longer names the hash is remembered: what is held stays small. */
const MAX_NAME_LENGTH = 256;

export class RefetchLimiter {
  readonly #lookUps = new Allowance(LOOK_UPS.burst, LOOK_UPS.perSecond);
  readonly #interval: number;
  #absent: LRUCache<string, { readonly seconds: number; readonly until: number }> | undefined;
  #nextAt = 0;
  #next: Promise<void> | undefined;
  #waiting = 0;
  /** How many requests wait for each name. */
  readonly #waitingFor = new Map<string, number>();

  /** @param responseTimeout a request that waits for a fetch must have time left for it, in seconds */
  constructor(responseTimeout: number) {
    this.#interval = Math.min(MAX_INTERVAL_SECONDS, responseTimeout / 3);
  }

  /** Whether the last fetch for this name, some seconds ago, did not find it. */
  isAbsent(name: string): boolean {
    return monotonicSeconds() < (this.#absent?.get(shorten(name))?.until ?? 0);
  }

  rememberAbsent(name: string): void {
    // Concurrent look-ups end together, and count once.
    if (this.isAbsent(name)) return;
    const key = shorten(name);
    const absent = (this.#absent ??= new LRUCache({ max: MAX_ABSENT }));
    const before = absent.get(key)?.seconds ?? ABSENT_SECONDS.first / 2;
    const seconds = Math.min(before * 2, ABSENT_SECONDS.max);
    absent.set(key, { seconds, until: monotonicSeconds() + seconds });
  }

  /** Whether one more request may wait for a fetch. Those that wait for one name count once. */
  admits(name: string | undefined): boolean {
    const isShared = name !== undefined && this.#waitingFor.has(name);
    return this.#waiting < MAX_WAITING && (isShared || this.#lookUps.left >= 1);
  }

  /** Runs a look-up that was admitted. @param name `undefined` for a token that names no key: each counts */
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

  /** Until the next fetch is due. Concurrent callers wait for the same moment. */
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
