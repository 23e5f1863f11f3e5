/**
 * Remembers introspection answers.
 *
 * In memory: bounded, the least recently used goes first, never past `exp`; refusals apart and briefly, so that junk
 * cannot push good answers out. Beside it a cache that instances share, if the application has one; memory then holds an
 * answer for seconds only, so that what is forgotten in one instance is soon forgotten in all.
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
  /** By the monotonic clock. */
  readonly since: number;
  readonly until: number;
}

interface Refusal {
  readonly error: TokenError;
  /** By the monotonic clock. */
  readonly since: number;
  readonly until: number;
}

/** Answers, and as many refusals. */
export const MAX_ANSWERS = 10_000;
/** A token that becomes good (a revocation taken back) is refused this long, in seconds. */
const REFUSAL_TTL_SECONDS = 10;
/** With a shared cache, memory is asked no longer than this, in seconds. */
export const MEMORY_TTL_BESIDE_SHARED_SECONDS = 10;

export class IntrospectionCache {
  readonly #answers: RememberedTokens<Held>;
  /** By hash: junk is as long as its sender likes. */
  #refusals: LRUCache<string, Refusal> | undefined;
  #forgottenAt = -Infinity;

  constructor(
    private readonly options: IntrospectionCacheOptions & ClaimsOptions,
    private readonly shared?: SharedAnswers,
    private readonly max = MAX_ANSWERS,
  ) {
    this.#answers = new RememberedTokens(max);
  }

  /** From memory, if it is less than so many seconds old. */
  recall(token: string, maxAge = Infinity): ValidatedToken | undefined {
    const held = this.#answers.get(token);
    return held && isUsable(held, maxAge) ? held.validated : undefined;
  }

  /** From memory, if it is less than so many seconds old. */
  recallRefusal(token: string, maxAge = Infinity): TokenError | undefined {
    if (!this.#refusals?.size) return undefined;
    const refusal = this.#refusals.get(hashOf(token));
    return refusal && isUsable(refusal, maxAge) ? refusal.error : undefined;
  }

  /** From the cache that instances share. Its claims are not checked. */
  async recallShared(token: string): Promise<Answered | undefined> {
    if (!this.shared || this.options.introspectionCacheDuration === 0) return undefined;
    const answered = await this.shared.get(token);
    return answered && this.#remaining(answered) > 0 ? answered : undefined;
  }

  /** Remembers an answer here whose claims were checked. */
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

  /** Offers an answer to the other instances. Nobody waits for that. */
  share(token: string, answered: Answered): void {
    const remaining = Math.ceil(this.#remaining(answered));
    if (remaining <= 0 || answered.askedAt <= this.#forgottenAt) return;
    void this.shared?.set(token, answered, remaining);
  }

  /**
   * @param mayBeShared the shared cache was not asked first: an older answer there must not come back later
   * @param claims what the provider said, if it said anything
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
   * Forgets here, and marks in the shared cache what must not be taken from there.
   *
   * @throws {TypeError} unless the selector is exactly one non-empty string
   */
  async forget(
    selector: ForgetSelector,
  ): Promise<{ readonly evicted: number; readonly sharedAnswered: boolean }> {
    const picks = pickerOf(selector);
    // An answer that is under way was asked for before the caller said "forget".
    this.#forgottenAt = Date.now() / 1000;
    const identifiers = new Set<string>();
    const picked = this.#answers.forget(({ token, validated: { claims } }) => {
      const isPicked = picks(token, claims);
      if (isPicked && selector.token !== undefined && claims.jti) identifiers.add(claims.jti);
      return isPicked;
    });
    // Spellings of the token that do not look alike have its identifier in common.
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

  /** How much longer an answer may be used, in seconds. */
  #remaining(answered: Answered): number {
    const exp: number | undefined = answered.claims.exp;
    return Math.min(
      this.options.introspectionCacheDuration - ageOf(answered),
      (exp ?? Infinity) - trueTime(this.options),
    );
  }

  /** In how many seconds a token that is not valid yet may be. */
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
