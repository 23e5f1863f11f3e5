/**
 * Caches a document of the provider in memory: fresh, then stale while the provider fails, then expired.
 *
 * Concurrent callers share one fetch. A background fetch renews the document before it is stale, so that requests find it
 * in memory. A stale document is renewed in the background: a provider that hangs delays a request by the grace time at the
 * most, one that fails not at all. Failures are not cached as results. They are retried in the background with growing
 * pauses; a request that finds no document in memory starts an attempt after a second at the latest.
 */
import { ProviderUnavailableError } from '../errors/auth.errors.js';
import { Backoff, monotonicSeconds } from './backoff.js';
import { DeadlineError, withDeadline } from './deadline.js';
import { HedgedCall } from './hedged-call.js';
import { outsideRequests } from './outside-requests.js';

export interface CachedDocumentOptions {
  /** How long a document is fresh, and used without a fetch, in seconds. */
  readonly freshFor: number;
  /** How long a stale document is used while no fetch succeeds, in seconds, after it was fresh. */
  readonly staleFor: number;
  /** Whether a document is renewed in the background only if it was read since it was fetched. @default false */
  readonly refreshesOnlyUsed?: boolean;
  /** Called with the first failed fetch of an outage. */
  readonly onFailure: (error: unknown, held: boolean) => void;
  /** Called with the first successful fetch after an outage. */
  readonly onRecovery: (failures: number) => void;
}

export interface DocumentStatus {
  /** `none`: not fetched yet, or expired. */
  readonly state: 'fresh' | 'stale' | 'none';
  /** Whether the last fetch failed. The provider may then have data, such as a new key, that the document lacks. */
  readonly isFailing: boolean;
  /** Seconds since the document was fetched; infinite if it never was. */
  readonly age: number;
}

/** The document is fetched again after this fraction of its fresh time, at random, so that instances do not fetch together. */
const AHEAD = { from: 0.7, to: 0.8 } as const;
/**
 * The longest wait for a new document if a stale one can be used, in seconds; a healthy provider responds sooner. Without
 * this wait, a process that was suspended past the fresh time would accept a token of a key that was withdrawn meanwhile.
 */
const GRACE_SECONDS = 0.25;
/** The longest wait of a request for a provider whose last fetch failed, in seconds. */
const MAX_WAIT_IN_OUTAGE_SECONDS = 1;
/** The longest pause that a provider may request, in seconds. */
const MAX_PAUSE_SECONDS = 30;
/** The longest delay of a Node timer, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class CachedDocument<T> implements DocumentStatus {
  #held: { readonly document: T; readonly askedAt: number; readonly loadedAt: number } | undefined;
  #error: unknown;
  readonly #backoff = new Backoff();
  #fetch: HedgedCall<T> | undefined;
  /** The document that {@link #fetch} returns within the grace time, or else the cached one. */
  #newOrHeld: Promise<T> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #isUsed = false;

  constructor(
    private readonly load: (held: T | undefined) => Promise<T>,
    private readonly options: CachedDocumentOptions,
  ) {}

  /**
   * Returns the document, without a promise when it is in memory.
   *
   * @throws the error of the last fetch, if no fresh or stale document is cached
   */
  get(): T | Promise<T> {
    this.#isUsed = true;
    const held = this.#held;
    if (!held) return this.demand();
    const { freshFor, staleFor } = this.options;
    const age = monotonicSeconds() - held.loadedAt;
    if (age < freshFor) return held.document;
    if (age >= freshFor + staleFor) return this.demand();
    if (!this.#fetch && this.#backoff.remaining === 0) this.#begin();
    if (!this.#fetch || this.isFailing) return held.document;
    if (monotonicSeconds() - this.#fetch.beganAt >= GRACE_SECONDS) return held.document;
    const { result } = this.#fetch;
    return (this.#newOrHeld ??= withDeadline(GRACE_SECONDS, () => result).catch(() => held.document));
  }

  /** The cached document, however old. Does not fetch. */
  get held(): T | undefined {
    return this.#held?.document;
  }

  /** When the fetch of the cached document began, by the monotonic clock. The document shows no change made after that. */
  get askedAt(): number {
    return this.#held?.askedAt ?? -Infinity;
  }

  get isFetching(): boolean {
    return this.#fetch !== undefined;
  }

  get isFailing(): boolean {
    return this.#backoff.failures > 0;
  }

  get state(): DocumentStatus['state'] {
    const { freshFor, staleFor } = this.options;
    const age = this.age;
    return age < freshFor ? 'fresh' : age < freshFor + staleFor ? 'stale' : 'none';
  }

  get age(): number {
    return this.#held ? monotonicSeconds() - this.#held.loadedAt : Infinity;
  }

  /**
   * Fetches the document for a request that cannot proceed with the cached one. Joins a fetch that is in progress. After a
   * failure, the request waits for a second at most, and fails at once while no attempt is due.
   */
  async demand(): Promise<T> {
    if (!this.#fetch && this.#backoff.remainingOnDemand > 0) throw this.#pauseError();
    const fetch = this.#fetch ?? this.#begin();
    if (!this.isFailing) return fetch.join();
    try {
      return await withDeadline(MAX_WAIT_IN_OUTAGE_SECONDS, () => fetch.join());
    } catch (error) {
      throw error instanceof DeadlineError ? this.#pauseError() : error;
    }
  }

  /** Stops background fetches. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #begin(): HedgedCall<T> {
    this.#newOrHeld = undefined;
    return (this.#fetch = new HedgedCall(() => this.load(this.#held?.document), {
      onAnswer: (document, askedAt) => this.#succeed(document, askedAt),
      onFailure: (error, isLast) => this.#fail(error, isLast),
    }));
  }

  #succeed(document: T, askedAt: number): void {
    this.#fetch = undefined;
    const { failures } = this.#backoff;
    this.#held = { document, askedAt, loadedAt: monotonicSeconds() };
    this.#backoff.succeed();
    this.#isUsed = false;
    const share = AHEAD.from + Math.random() * (AHEAD.to - AHEAD.from);
    if (this.options.freshFor > 0) this.#refreshIn(this.options.freshFor * share);
    if (failures > 0) this.options.onRecovery(failures);
  }

  #fail(error: unknown, isLast: boolean): void {
    if (isLast) this.#fetch = undefined;
    const asked = error instanceof ProviderUnavailableError && error.askedForPause ? error.retryAfter : 0;
    this.#error = error;
    this.#backoff.fail(Math.min(asked, MAX_PAUSE_SECONDS));
    this.#refreshIn(this.#backoff.remaining);
    if (this.#backoff.failures === 1 && !this.#stopped) this.options.onFailure(error, this.state !== 'none');
  }

  /**
   * Schedules a background fetch. The timer does not keep the process alive. The fetch starts after the timer's callback, not
   * in it: after a suspension, timers run before Node learns that the provider has closed its connections, and a fetch over
   * one of those would fail.
   */
  #refreshIn(seconds: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const milliseconds = Math.min(Math.ceil(seconds * 1000), MAX_TIMER_MS);
    const refresh = (): void => void setImmediate(() => this.#refreshInBackground()).unref();
    this.#timer = outsideRequests(() => setTimeout(refresh, milliseconds).unref());
  }

  #refreshInBackground(): void {
    if (this.#stopped) return;
    if (this.options.refreshesOnlyUsed === true && !this.#isUsed) return;
    const { remaining } = this.#backoff;
    if (remaining > 0) this.#refreshIn(remaining);
    else if (!this.#fetch) this.#begin();
  }

  #pauseError(): unknown {
    const error = this.#error;
    if (!(error instanceof ProviderUnavailableError)) return error;
    const retryAfter = Math.max(1, Math.ceil(this.#backoff.remainingOnDemand));
    return new ProviderUnavailableError({ detail: error.detail ?? 'failed', cause: error, retryAfter });
  }
}
