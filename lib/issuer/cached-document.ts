/**
 * A document of the provider, held as long as that is right: fresh, then stale while the provider fails, then gone.
 *
 * One fetch at a time, whoever waits. It is fetched anew in the background before it is stale, so that requests find it
 * at hand. A failure is never an answer: it is retried in the background with growing pauses, and fails fast in between.
 * While a last good document is held, requests do not wait for a provider that is known to be down.
 */
import { ProviderUnavailableError } from '../errors/auth.errors.js';
import { Backoff, monotonicSeconds } from '../timing/backoff.js';

export interface CachedDocumentOptions {
  /** How long a document is used without asking again, in seconds. */
  readonly freshFor: number;
  /** How much longer it is used while the provider cannot be asked, in seconds. */
  readonly staleFor: number;
  /** Told of the first failed fetch of an outage. */
  readonly onFailure: (error: unknown, held: boolean) => void;
  /** Told of the first good fetch after an outage. */
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

/** Asked for anew after this part of the time that it is fresh for: no two instances at the same moment. */
const AHEAD = { from: 0.7, to: 0.8 } as const;
/** What a provider asks for beyond this is not waited for, in seconds. */
const MAX_PAUSE_SECONDS = 30;
/** Node's timers know no longer times, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class CachedDocument<T> implements DocumentStatus {
  #held: { readonly document: T; readonly loadedAt: number } | undefined;
  #error: unknown;
  readonly #backoff = new Backoff();
  #flight: Promise<T> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly load: (held: T | undefined) => Promise<T>,
    private readonly options: CachedDocumentOptions,
  ) {}

  /**
   * The document; without a promise when it is at hand.
   *
   * @throws what the last fetch failed with, if nothing is held that still counts
   */
  get(): T | Promise<T> {
    const held = this.#held;
    if (!held) return this.refresh();
    const { freshFor, staleFor } = this.options;
    const age = monotonicSeconds() - held.loadedAt;
    if (age < freshFor) return held.document;
    if (age >= freshFor + staleFor) return this.refresh();
    if (!this.isFailing) return this.refresh().catch(() => held.document);
    if (!this.#flight && this.#backoff.remaining === 0) this.#refreshUnasked();
    return held.document;
  }

  /** What is at hand, however old; nothing is fetched for it. */
  get held(): T | undefined {
    return this.#held?.document;
  }

  /** Who refreshes now joins a fetch that is under way. */
  get isFetching(): boolean {
    return this.#flight !== undefined;
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

  /** Fetches again, however fresh the document is; joins a fetch under way; fails fast after a failed one. */
  refresh(): Promise<T> {
    if (this.#flight) return this.#flight;
    if (this.#backoff.remaining > 0) return Promise.reject(this.#waiting());
    this.#flight = this.load(this.#held?.document).then(
      (document) => this.#succeed(document),
      (error: unknown) => this.#fail(error),
    );
    return this.#flight;
  }

  /** Ends what goes on in the background. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #succeed(document: T): T {
    const { failures } = this.#backoff;
    this.#held = { document, loadedAt: monotonicSeconds() };
    this.#backoff.succeed();
    this.#flight = undefined;
    const share = AHEAD.from + Math.random() * (AHEAD.to - AHEAD.from);
    if (this.options.freshFor > 0) this.#refreshIn(this.options.freshFor * share);
    if (failures > 0) this.options.onRecovery(failures);
    return document;
  }

  #fail(error: unknown): never {
    const asked = error instanceof ProviderUnavailableError && error.askedForPause ? error.retryAfter : 0;
    this.#error = error;
    this.#backoff.fail(Math.min(asked, MAX_PAUSE_SECONDS));
    this.#flight = undefined;
    this.#refreshIn(this.#backoff.remaining);
    if (this.#backoff.failures === 1 && !this.#stopped) this.options.onFailure(error, this.state !== 'none');
    throw error;
  }

  /** The timer keeps no process from ending. */
  #refreshIn(seconds: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const milliseconds = Math.min(Math.ceil(seconds * 1000), MAX_TIMER_MS);
    this.#timer = setTimeout(() => this.#refreshUnasked(), milliseconds).unref();
  }

  /** Nobody waits for it; who does later, learns of a failure then. */
  #refreshUnasked(): void {
    const { remaining } = this.#backoff;
    if (remaining > 0) this.#refreshIn(remaining);
    else this.refresh().catch(() => undefined);
  }

  #waiting(): unknown {
    const error = this.#error;
    if (!(error instanceof ProviderUnavailableError)) return error;
    const retryAfter = Math.max(1, Math.ceil(this.#backoff.remaining));
    return new ProviderUnavailableError({ detail: error.detail ?? 'failed', cause: error, retryAfter });
  }
}
