/**
 * A document of the provider, held as long as that is right: fresh, then stale while the provider fails, then gone.
 *
 * One fetch at a time, whoever waits. A failure is never an answer: it is retried with growing pauses, and fails fast
 * in between. While a last good document is held, requests do not wait for a provider that is known to be down.
 */
import { ProviderUnavailableError } from '../errors/auth.errors.js';

export interface CachedDocumentOptions {
  /** How long a document is used without asking again, in seconds. */
  readonly freshFor: number;
  /** How much longer it is used while the provider cannot be asked, in seconds. */
  readonly staleFor: number;
  /** Told of each failed fetch, once. */
  readonly onFailure: (error: unknown, held: boolean) => void;
}

const FIRST_PAUSE = 0.5;
const LONGEST_PAUSE = 30;

export class CachedDocument<T> {
  #held: { readonly document: T; readonly loadedAt: number } | undefined;
  #failure: { readonly error: unknown; readonly pause: number; readonly retryAt: number } | undefined;
  #flight: Promise<T> | undefined;

  constructor(
    private readonly load: () => Promise<T>,
    private readonly options: CachedDocumentOptions,
  ) {}

  /**
   * The document; without a promise when it is at hand.
   *
   * @throws what the last fetch failed with, if nothing is held that still counts
   */
  get(): T | Promise<T> {
    const held = this.#held;
    const age = held ? monotonicSeconds() - held.loadedAt : Infinity;
    if (held && age < this.options.freshFor) return held.document;
    if (!held || age >= this.options.freshFor + this.options.staleFor) return this.refresh();
    if (!this.#failure) return this.refresh().catch(() => held.document);
    if (monotonicSeconds() >= this.#failure.retryAt) this.refresh().catch(() => undefined);
    return held.document;
  }

  /** The last fetch failed, so what is not in the document may still exist. */
  get isFailing(): boolean {
    return this.#failure !== undefined;
  }

  /** Fetches again, however fresh the document is; joins a fetch under way; fails fast after a failed one. */
  refresh(): Promise<T> {
    if (this.#flight) return this.#flight;
    if (this.#failure && monotonicSeconds() < this.#failure.retryAt)
      return Promise.reject(this.#waiting(this.#failure));
    this.#flight = this.load().then(
      (document) => {
        this.#held = { document, loadedAt: monotonicSeconds() };
        this.#failure = undefined;
        this.#flight = undefined;
        return document;
      },
      (error: unknown) => {
        const pause = Math.min((this.#failure?.pause ?? FIRST_PAUSE / 2) * 2, LONGEST_PAUSE);
        const asked = error instanceof ProviderUnavailableError && error.askedForPause ? error.retryAfter : 0;
        const wait = Math.max(pause * (0.5 + Math.random() / 2), Math.min(asked, LONGEST_PAUSE));
        this.#failure = { error, pause, retryAt: monotonicSeconds() + wait };
        this.#flight = undefined;
        this.options.onFailure(error, this.#held !== undefined);
        throw error;
      },
    );
    return this.#flight;
  }

  #waiting({ error, retryAt }: { error: unknown; retryAt: number }): unknown {
    if (!(error instanceof ProviderUnavailableError)) return error;
    const retryAfter = Math.max(1, Math.ceil(retryAt - monotonicSeconds()));
    return new ProviderUnavailableError({ detail: error.detail ?? 'failed', cause: error, retryAfter });
  }
}

/** A clock that nobody sets: a jump of the wall clock must not keep a withdrawn key alive. */
export function monotonicSeconds(): number {
  return performance.now() / 1000;
}
