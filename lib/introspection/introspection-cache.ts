/**
 * Caches introspection responses.
 *
 * The memory is bounded, evicts the least recently used response first, and never keeps one past `exp`. Rejections are cached
 * separately and briefly, so that invalid tokens cannot evict valid responses. If the application has a cache that instances
 * share, it is used too. Memory then keeps a response for seconds only, so that a token that is removed in one instance is
 * soon removed in all.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { TokenError } from '../errors/auth.errors.js';
import { RememberedTokens } from '../jose/remembered-tokens.js';
import { monotonicSeconds } from '../timing/backoff.js';
import { trueTime, type ClaimsOptions } from '../token/check-claims.js';
import type { ValidatedToken } from '../token/validated-token.js';
import { pickerOf, type ForgetSelector } from './forget-selector.js';
import type { Answered, SharedAnswers } from './shared-answers.js';

export interface IntrospectionCacheOptions {
  /**
   * How long an introspection response is cached at most, in seconds, and never past `exp`: a revoked token
   * is accepted this much longer. `0`: every request calls the provider.
   *
   * @default 300
   */
  readonly introspectionCacheDuration: number;
}

type Claims = Readonly<Record<string, unknown>>;

interface Held {
  readonly token: string;
  readonly validated: ValidatedToken;
  /** In seconds by the monotonic clock, as is `until`. */
  readonly since: number;
  readonly until: number;
}

interface Refusal {
  readonly error: TokenError;
  /** In seconds by the monotonic clock, as is `until`. */
  readonly since: number;
  readonly until: number;
}

/** The maximum number of cached responses, and of cached rejections. */
export const MAX_ANSWERS = 10_000;
/** How long a token is still rejected after it becomes valid (a revocation is undone), in seconds. */
const REFUSAL_TTL_SECONDS = 10;
/** How long memory keeps a response if there is a shared cache, in seconds. */
export const MEMORY_TTL_BESIDE_SHARED_SECONDS = 10;

export class IntrospectionCache {
  readonly #answers: RememberedTokens<Held>;
  /** Keyed by hash, because invalid tokens can have any length. */
  #refusals: LRUCache<string, Refusal> | undefined;
  #forgottenAt = -Infinity;

  constructor(
    private readonly options: IntrospectionCacheOptions & ClaimsOptions,
    private readonly shared?: SharedAnswers,
    private readonly max = MAX_ANSWERS,
  ) {
    this.#answers = new RememberedTokens(max);
  }

  /** Returns a valid token from memory, if its response is less than `maxAge` seconds old. */
  recall(token: string, maxAge = Infinity): ValidatedToken | undefined {
    const held = this.#answers.get(token);
    return held && isUsable(held, maxAge) ? held.validated : undefined;
  }

  /** Returns a rejection from memory, if it is less than `maxAge` seconds old. */
  recallRefusal(token: string, maxAge = Infinity): TokenError | undefined {
    if (!this.#refusals?.size) return undefined;
    const refusal = this.#refusals.get(hashOf(token));
    return refusal && isUsable(refusal, maxAge) ? refusal.error : undefined;
  }

  /** Returns a response from the shared cache. Its claims are not checked. */
  async recallShared(token: string): Promise<Answered | undefined> {
    if (!this.shared || this.options.introspectionCacheDuration === 0) return undefined;
    const answered = await this.shared.get(token);
    return answered && this.#remaining(answered) > 0 ? answered : undefined;
  }

  /** Caches a response in memory whose claims were checked. */
  keep(validated: ValidatedToken, answered: Answered): void {
    const remaining = Math.min(
      this.#remaining(answered),
      this.shared ? MEMORY_TTL_BESIDE_SHARED_SECONDS : Infinity,
    );
    if (remaining <= 0 || answered.askedAt <= this.#forgottenAt) return;
    const now = monotonicSeconds();
    const { token } = validated;
    this.#answers.set({ token, validated, since: now - ageOf(answered), until: now + remaining });
    if (this.#refusals?.size) this.#refusals.delete(hashOf(token));
  }

  /** Writes a response to the shared cache. This is not awaited. */
  share(token: string, answered: Answered): void {
    const remaining = Math.ceil(this.#remaining(answered));
    if (remaining <= 0 || answered.askedAt <= this.#forgottenAt) return;
    void this.shared?.set(token, answered, remaining);
  }

  /**
   * Caches a rejection, and removes an earlier response.
   *
   * @param mayBeShared the shared cache was not read first: an older response there must not be used later
   * @param claims the response of the provider, if there was one
   */
  keepRefusal(token: string, error: TokenError, mayBeShared: boolean, claims: Claims | undefined): void {
    const wasGood = this.#answers.delete(token);
    if (wasGood || mayBeShared) void this.shared?.delete(token);
    const ttl = Math.min(
      REFUSAL_TTL_SECONDS,
      this.options.introspectionCacheDuration,
      error.reason === 'not_yet_valid' ? this.#startsIn(claims) : Infinity,
    );
    const now = monotonicSeconds();
    if (ttl <= 0) return;
    this.#refusals ??= new LRUCache({ max: this.max });
    this.#refusals.set(hashOf(token), { error, since: now, until: now + ttl });
  }

  /**
   * Removes the selected responses from memory, and marks them in the shared cache as removed.
   *
   * @throws {TypeError} unless the selector is exactly one non-empty string
   */
  async forget(
    selector: ForgetSelector,
  ): Promise<{ readonly evicted: number; readonly sharedAnswered: boolean }> {
    const picks = pickerOf(selector);
    // A response that is in transit was requested before this call, and must not be cached.
    this.#forgottenAt = Date.now() / 1000;
    const identifiers = new Set<string>();
    const picked = this.#answers.forget(({ token, validated: { claims } }) => {
      const isPicked = picks(token, claims);
      if (isPicked && selector.token !== undefined && claims.jti) identifiers.add(claims.jti);
      return isPicked;
    });
    // Spellings of the token with different normalized forms have the same `jti`.
    const alike = this.#answers.forget(({ validated: { claims } }) => identifiers.has(claims.jti ?? ''));
    const evicted = [...picked, ...alike];
    const { shared } = this;
    if (!shared) return { evicted: evicted.length, sharedAnswered: true };

    const ttl = Math.ceil(this.options.introspectionCacheDuration);
    const marks = [selector, ...[...identifiers].map((jti) => ({ jti }))];
    const answers = await Promise.all([
      ...marks.map((each) => shared.mark(each, this.#forgottenAt, ttl)),
      ...evicted.map((token) => shared.delete(token)),
    ]);
    return { evicted: evicted.length, sharedAnswered: !answers.includes(false) };
  }

  /** Returns how much longer a response may be used, in seconds. */
  #remaining(answered: Answered): number {
    const exp: number | undefined = answered.claims.exp;
    return Math.min(
      this.options.introspectionCacheDuration - ageOf(answered),
      (exp ?? Infinity) - trueTime(this.options),
    );
  }

  /** Returns the seconds until a token that is not valid yet can become valid. */
  #startsIn({ nbf, iat }: Claims = {}): number {
    const startsAt = Math.max(...[nbf, iat].filter((time) => typeof time === 'number'));
    return startsAt - this.options.clockTolerance - trueTime(this.options);
  }
}

function isUsable({ since, until }: Pick<Held, 'since' | 'until'>, maxAge: number): boolean {
  const now = monotonicSeconds();
  return now < until && now - since < maxAge;
}

function ageOf({ askedAt }: Answered): number {
  return Math.max(0, Date.now() / 1000 - askedAt);
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
