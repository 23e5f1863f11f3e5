/** Is it any use to ask now? A provider that fails again and again is asked by one request at a time, with growing pauses. */
import { ProviderUnavailableError } from '../errors/auth.errors.js';
import { Backoff } from '../timing/backoff.js';

/** So many failures in a row may be those of single requests. */
const TOLERATED_FAILURES = 4;
/** Only requests that need the provider probe it: they find it soon after its return. In seconds. */
const MAX_PAUSE_BETWEEN_PROBES_SECONDS = 1.5;
/** A provider that asks to be left alone is, so long at the most, in seconds. */
const MAX_PAUSE_SECONDS = 300;

export class CircuitBreaker {
  readonly #backoff = new Backoff(TOLERATED_FAILURES, MAX_PAUSE_BETWEEN_PROBES_SECONDS);
  #isProbing = false;

  /** Calls fail without being made, but for one now and then. */
  get isOpen(): boolean {
    return this.#backoff.remaining > 0 || this.#backoff.failures > TOLERATED_FAILURES;
  }

  /** @throws {ProviderUnavailableError} at once while it makes no sense to ask; else what the call throws */
  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    const isProbe = this.isOpen;
    if (isProbe && (this.#backoff.remaining > 0 || this.#isProbing)) throw this.#leftAlone();
    if (isProbe) this.#isProbing = true;
    try {
      const result = await call();
      this.#worked();
      return result;
    } catch (error) {
      if (error instanceof ProviderUnavailableError) this.#failed(error);
      else this.#worked();
      throw error;
    } finally {
      if (isProbe) this.#isProbing = false;
    }
  }

  #leftAlone(): ProviderUnavailableError {
    return new ProviderUnavailableError({
      detail: 'introspection: the provider is left alone after failures, or asked for a pause',
      retryAfter: Math.max(1, Math.ceil(this.#backoff.remaining)),
    });
  }

  /** What was under way when a pause began does not end it, and does not make it longer. */
  #worked(): void {
    if (this.#backoff.remaining === 0) this.#backoff.succeed();
  }

  #failed({ askedForPause, retryAfter }: ProviderUnavailableError): void {
    const asked = askedForPause ? Math.min(retryAfter, MAX_PAUSE_SECONDS) : 0;
    if (asked > 0 || this.#backoff.remaining === 0) this.#backoff.fail(asked);
  }
}
