/**
 * Stops calls about tokens to a provider that fails, and limits the number of concurrent calls.
 *
 * It opens when calls for several different tokens fail in a row: one token on which the provider fails does not block the
 * others. While it is open, about one call per second tries the provider, not twice in a row for the same token if others
 * wait.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { ProviderUnavailableError } from '../errors/auth.errors.js';
import { Backoff, monotonicSeconds } from '../timing/backoff.js';
import { CallSlots } from '../timing/call-slots.js';
import type { ProviderClientOptions } from './provider-client.js';

/** The number of consecutive failures that may be caused by single requests, and do not open the breaker. */
const TOLERATED_FAILURES = 4;
/** The longest pause before the provider is tried again: a recovery is detected within two seconds. */
const MAX_PAUSE_SECONDS = 1;
/** A token on which the provider failed is tried again later than others. */
const TOKEN_PAUSE_SECONDS = 1.8;
/** The longest pause that a provider may request. */
const MAX_ASKED_PAUSE_SECONDS = 300;
const MAX_CALLS = 256;
const MAX_WAITING_CALLS = 10_000;
const MAX_FAILED_TOKENS = 1000;

interface FailedToken {
  /** The number of consecutive failures. */
  readonly failures: number;
  /** When the token may be tried again, by the monotonic clock, in seconds. */
  readonly retryAt: number;
}

export class CircuitBreaker {
  readonly #backoff = new Backoff(TOLERATED_FAILURES, MAX_PAUSE_SECONDS);
  readonly #slots = new CallSlots(MAX_CALLS, MAX_WAITING_CALLS);
  /** Keyed by hash, because invalid tokens can have any length. */
  #failedTokens: LRUCache<string, FailedToken> | undefined;
  /** Hashes of the tokens that were counted as failures since the last success. */
  readonly #counted = new Set<string>();
  #pauses = 0;

  /** @param what the purpose of the calls, for messages */
  constructor(
    private readonly options: Pick<ProviderClientOptions, 'responseTimeout'>,
    private readonly what = 'introspection',
  ) {}

  /** Whether calls fail without being sent, except for one from time to time. */
  get isOpen(): boolean {
    return this.#backoff.remaining > 0 || this.#backoff.failures > TOLERATED_FAILURES;
  }

  /**
   * Makes the call, unless the provider fails or too many calls are in progress.
   *
   * @param token the token that the call is about
   * @throws {ProviderUnavailableError} if the call is not made; otherwise the error of the call
   */
  async run<Result>(token: string, call: () => Promise<Result>): Promise<Result> {
    this.#refuseWhileFailing(token);
    const slot = this.#slots.take();
    if (slot === false) throw this.#tooMany();
    const giveUpAt = monotonicSeconds() + this.options.responseTimeout;
    if (slot instanceof Promise) await slot;
    try {
      if (slot instanceof Promise) {
        this.#refuseWhileFailing(token);
        // The request that waited has timed out by now.
        if (monotonicSeconds() > giveUpAt) throw this.#tooMany();
      }
      // The next attempt does not wait for the end of one that hangs.
      if (this.isOpen) this.#backoff.wait(MAX_PAUSE_SECONDS);
      return await this.#attempt(token, call);
    } finally {
      this.#slots.release();
    }
  }

  async #attempt<Result>(token: string, call: () => Promise<Result>): Promise<Result> {
    const pauses = this.#pauses;
    try {
      const result = await call();
      this.#succeed(token, pauses);
      return result;
    } catch (error) {
      if (error instanceof ProviderUnavailableError) this.#fail(token, pauses, error);
      else this.#succeed(token, pauses);
      throw error;
    }
  }

  #refuseWhileFailing(token: string): void {
    const ofAll = this.#backoff.remaining;
    const ofToken = (this.#failed(token)?.retryAt ?? 0) - monotonicSeconds();
    const remaining = Math.max(ofAll, ofToken);
    if (remaining <= 0) return;
    throw new ProviderUnavailableError({
      detail: `${this.what}: the provider is not called after repeated failures, or because it sent Retry-After`,
      retryAfter: Math.max(1, Math.ceil(remaining)),
    });
  }

  #failed(token: string): FailedToken | undefined {
    return this.#failedTokens?.size ? this.#failedTokens.get(hashOf(token)) : undefined;
  }

  /** The success of a call that was in progress when a pause began does not end the pause. */
  #succeed(token: string, pauses: number): void {
    if (this.#failedTokens?.size) this.#failedTokens.delete(hashOf(token));
    if (pauses !== this.#pauses && this.#backoff.remaining > 0) return;
    this.#backoff.succeed();
    this.#counted.clear();
  }

  /** The failure of a call that was in progress when a pause began does not extend the pause, unless it requests one. */
  #fail(token: string, pauses: number, { askedForPause, retryAfter }: ProviderUnavailableError): void {
    const hash = hashOf(token);
    const asked = askedForPause ? Math.min(retryAfter, MAX_ASKED_PAUSE_SECONDS) : 0;
    const isLate = pauses !== this.#pauses && this.#backoff.remaining > 0;
    const isNew = this.isOpen || !this.#counted.has(hash);
    if (asked > 0 || (!isLate && isNew)) {
      this.#backoff.fail(asked);
      if (this.#counted.size <= TOLERATED_FAILURES) this.#counted.add(hash);
    }
    if (this.isOpen && (!isLate || asked > 0)) this.#pauses++;

    const failedTokens = (this.#failedTokens ??= new LRUCache({ max: MAX_FAILED_TOKENS }));
    const failures = (failedTokens.get(hash)?.failures ?? 0) + 1;
    const pause = this.isOpen || failures > TOLERATED_FAILURES ? TOKEN_PAUSE_SECONDS : 0;
    failedTokens.set(hash, { failures, retryAt: monotonicSeconds() + pause });
  }

  #tooMany(): ProviderUnavailableError {
    const detail = `${this.what}: ${MAX_CALLS} calls are in progress, and others wait`;
    return new ProviderUnavailableError({ detail, retryAfter: 1 });
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
