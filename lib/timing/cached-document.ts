/**
 * A document of the provider in memory: fresh, then stale while the provider fails, then gone.
 *
 * Concurrent callers share one fetch. A background fetch renews the document before it is stale, so that requests find it
 * in memory. A stale document is answered at once and renewed in the background: a provider that hangs or fails delays
 * nobody who can be served. A failure is never an answer. It is retried in the background with growing pauses; a request
 * that finds nothing in memory starts an attempt after a second.
 */
import { ProviderUnavailableError } from '../errors/auth.errors.js';
import { Backoff, monotonicSeconds } from './backoff.js';
import { DeadlineError, withDeadline } from './deadline.js';
import { HedgedCall } from './hedged-call.js';
import { outsideRequests } from './outside-requests.js';

export interface CachedDocumentOptions {
  /** How long a document is used without a fetch, in seconds. */
  readonly freshFor: number;
  /** How much longer it is used while no fetch succeeds, in seconds. */
  readonly staleFor: number;
  /** A document that nobody has read since it was fetched is not renewed in the background. @default false */
  readonly refreshesOnlyUsed?: boolean;
  /** Called with the first failed fetch of an outage. */
  readonly onFailure: (error: unknown, held: boolean) => void;
  /** Called with the first good fetch after an outage. */
  readonly onRecovery: (failures: number) => void;
}

export interface DocumentStatus {
  /** `none`: not fetched yet, or held for too long. */
  readonly state: 'fresh' | 'stale' | 'none';
  /** The last fetch failed, so what is not in the document may still exist. */
  readonly isFailing: boolean;
  /** Seconds since the document was fetched; infinite if it never was. */
  readonly age: number;
}

/** Fetched anew after this part of the time that it is fresh for: no two instances at the same moment. */
const AHEAD = { from: 0.7, to: 0.8 } as const;
/**
 * Longest wait for a new document where a stale one can be used, in seconds; a healthy provider answers sooner. Without
 * it, a process that was suspended past the fresh time would accept a token of a key that was withdrawn meanwhile.
 */
const GRACE_SECONDS = 0.25;
/** Longest wait of a request for a provider that is known to fail, in seconds. */
const MAX_WAIT_IN_OUTAGE_SECONDS = 1;
/** A pause that the provider asks for is kept up to this length, in seconds. */
const MAX_PAUSE_SECONDS = 30;
/** The longest time that Node's timers can wait, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class CachedDocument<T> implements DocumentStatus {
  #held: { readonly document: T; readonly askedAt: number; readonly loadedAt: number } | undefined;
  #error: unknown;
  readonly #backoff = new Backoff();
  #fetch: HedgedCall<T> | undefined;
  /** The document that {@link #fetch} brings within the grace time, or else the one that is held. */
  #newOrHeld: Promise<T> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #isUsed = false;

  constructor(
    private readonly load: (held: T | undefined) => Promise<T>,
    private readonly options: CachedDocumentOptions,
  ) {}

  /**
   * The document; without a promise when it is in memory.
   *
   * @throws what the last fetch failed with, if nothing is held that still counts
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

  /** What is in memory, however old; nothing is fetched for it. */
  get held(): T | undefined {
    return this.#held?.document;
  }

  /** When the fetch of the document in memory began, by the monotonic clock: it says nothing of what came later. */
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
   * The document as the provider has it, for a request that cannot go on with what is in memory. Joins a fetch under way.
   * After a failure it waits for a second at most, and fails at once while no attempt is due.
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
   * The timer keeps no process from ending. Not in the timer's own turn: after a suspension timers come before the news that
   * the provider has closed its connections, and a fetch over one of those would fail.
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
