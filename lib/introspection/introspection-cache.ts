/**
 * Which introspection answers are remembered, where, and for how long?
 *
 * In memory: bounded, the least recently used goes first, never past `exp`; refusals apart and briefly, so that junk
 * cannot push good answers out. Beside it a cache that instances share, if the application has one; memory then holds an
 * answer for seconds only, so that what is forgotten in one instance is soon forgotten in all.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { TokenError } from '../errors/auth.errors.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import { monotonicSeconds } from '../timing/backoff.js';
import { trueTime, type ClaimsOptions } from '../token/check-claims.js';
import { RememberedTokens } from '../jose/remembered-tokens.js';
import type { Sealer } from './sealed-value.js';
import type { SharedCache } from './shared-cache.js';
import { isObject } from '../jose/strict-json.js';
import type { ValidatedToken } from '../token/validated-token.js';

export interface IntrospectionCacheOptions {
  /**
   * Longest time that an introspection answer is trusted, in seconds, and never past `exp`: a revoked token works
   * this much longer. `0`: every request asks.
   *
   * @default 300
   */
  readonly introspectionCacheDuration: number;
}

/** An answer, whom it came from, and since when it holds (seconds since 1970, by the clock of who asked). */
export interface Answered {
  readonly issuer: string;
  readonly claims: AccessTokenClaims;
  readonly askedAt: number;
}

interface Held {
  readonly token: string;
  readonly validated: ValidatedToken;
  /** By the monotonic clock. */
  readonly since: number;
  readonly until: number;
}

/** What may be forgotten, and the claim that it is found in. */
export const FORGETTABLE = { sub: 'sub', sid: 'sid', jti: 'jti', clientId: 'client_id' } as const;

/** One of these. */
export type ForgetSelector = Readonly<Partial<Record<'token' | keyof typeof FORGETTABLE, string>>>;

const MAX_ANSWERS = 10_000;
const MAX_REFUSALS = 10_000;
/** A token that becomes good (a revocation taken back) is refused this long, in seconds. */
const REFUSAL_TTL_SECONDS = 10;
/** With a shared cache, memory is asked no longer than this, in seconds. */
export const MEMORY_TTL_BESIDE_SHARED_SECONDS = 10;
/** Clocks of two instances may differ by so much, in seconds. */
const CLOCK_MARGIN_SECONDS = 2;
const PREFIX = 'nestjs-resource-server:';

export class IntrospectionCache {
  readonly #answers = new RememberedTokens<Held>(MAX_ANSWERS);
  /** By hash: junk is as long as its sender likes. */
  readonly #refusals = new LRUCache<string, { readonly error: TokenError; readonly until: number }>({
    max: MAX_REFUSALS,
  });
  #forgottenAt = -Infinity;

  constructor(
    private readonly options: IntrospectionCacheOptions & ClaimsOptions & { readonly issuer: string },
    private readonly sealer: Sealer,
    private readonly shared?: SharedCache,
  ) {}

  /** From memory, if it is at most so many seconds old. */
  recall(token: string, maxAge = Infinity): ValidatedToken | undefined {
    const held = this.#answers.get(token);
    if (!held) return undefined;
    const now = monotonicSeconds();
    return now < held.until && now - held.since < maxAge ? held.validated : undefined;
  }

  recallRefusal(token: string): TokenError | undefined {
    if (this.#refusals.size === 0) return undefined;
    const refusal = this.#refusals.get(this.#keyOf(token));
    return refusal && monotonicSeconds() < refusal.until ? refusal.error : undefined;
  }

  /** From the cache that instances share: opened, read, not forgotten meanwhile. Not judged. */
  async recallShared(token: string): Promise<Answered | undefined> {
    const { shared } = this;
    if (!shared || this.options.introspectionCacheDuration === 0) return undefined;
    const key = this.#keyOf(token);
    const text = this.sealer.open((await shared.get(key))?.result, token, key);
    const answered = text === undefined ? undefined : readAnswered(text);
    if (!answered || this.#remaining(answered) <= 0) return undefined;
    return (await this.#isForgotten(token, answered, shared)) ? undefined : answered;
  }

  /** Remembers a judged answer here. */
  keep(validated: ValidatedToken, answered: Answered): void {
    const remaining = Math.min(
      this.#remaining(answered),
      this.shared ? MEMORY_TTL_BESIDE_SHARED_SECONDS : Infinity,
    );
    if (remaining <= 0 || answered.askedAt <= this.#forgottenAt) return;
    const now = monotonicSeconds();
    const age = Math.max(0, Date.now() / 1000 - answered.askedAt);
    const { token } = validated;
    this.#answers.set({ token, validated, since: now - age, until: now + remaining });
    if (this.#refusals.size > 0) this.#refusals.delete(this.#keyOf(token));
  }

  /** Lets the other instances have it. Nobody waits for that. */
  share(token: string, answered: Answered): void {
    const remaining = Math.ceil(this.#remaining(answered));
    if (!this.shared || remaining <= 0 || answered.askedAt <= this.#forgottenAt) return;
    const key = this.#keyOf(token);
    void this.shared.set(key, this.sealer.seal(JSON.stringify(answered), token, key), remaining);
  }

  /** @param mayBeShared it was not looked up in the shared cache: an older answer there must not come back later */
  keepRefusal(token: string, error: TokenError, mayBeShared: boolean): void {
    const wasGood = this.#answers.delete(token);
    if (wasGood || mayBeShared) void this.shared?.delete(this.#keyOf(token));
    const ttl = Math.min(REFUSAL_TTL_SECONDS, this.options.introspectionCacheDuration);
    if (ttl > 0) this.#refusals.set(this.#keyOf(token), { error, until: monotonicSeconds() + ttl });
  }

  /** Forgets here, and marks in the shared cache what must not be taken from there. */
  async forget(
    selector: ForgetSelector,
    picks: (token: string, claims: AccessTokenClaims) => boolean,
  ): Promise<{ readonly evicted: number; readonly sharedAnswered: boolean }> {
    // What is being asked for at this moment was asked before the caller said "forget".
    this.#forgottenAt = Date.now() / 1000;
    const picked = this.#answers.forget(({ token, validated }) => picks(token, validated.claims));
    if (!this.shared) return { evicted: picked.length, sharedAnswered: true };

    const [[kind, value] = ['', '']] = Object.entries(selector);
    const ttl = Math.ceil(this.options.introspectionCacheDuration) + CLOCK_MARGIN_SECONDS;
    const answers = await Promise.all([
      this.shared.set(this.#markOf(kind, value), String(this.#forgottenAt), ttl),
      ...picked.map((token) => this.shared?.delete(this.#keyOf(token))),
    ]);
    return { evicted: picked.length, sharedAnswered: !answers.includes(false) };
  }

  async #isForgotten(token: string, { claims, askedAt }: Answered, shared: SharedCache): Promise<boolean> {
    const marks = [this.#markOf('token', token)];
    for (const [kind, claim] of Object.entries(FORGETTABLE)) {
      const value = claims[claim];
      if (typeof value === 'string') marks.push(this.#markOf(kind, value));
    }
    const answers = await Promise.all(marks.map((mark) => shared.get(mark)));
    // A mark that cannot be read may be there.
    return answers.some((answer) => {
      if (!answer) return true;
      if (answer.result === undefined || answer.result === null) return false;
      return !(Number(answer.result) + CLOCK_MARGIN_SECONDS < askedAt);
    });
  }

  /** How much longer an answer may be used, in seconds. */
  #remaining({ claims, askedAt }: Answered): number {
    const exp: number | undefined = claims.exp;
    const age = Math.max(0, Date.now() / 1000 - askedAt);
    return Math.min(
      this.options.introspectionCacheDuration - age,
      (exp ?? Infinity) - trueTime(this.options),
    );
  }

  /** By hash: what leaves the process never tells the token. Another API, or another issuer, has other keys. */
  #keyOf(token: string): string {
    const { issuer, audience } = this.options;
    return (
      PREFIX +
      createHash('sha256')
        .update(JSON.stringify([token, issuer, audience]))
        .digest('base64url')
    );
  }

  /** Under the secret, too: who reads the cache cannot try out whose tokens were forgotten. */
  #markOf(kind: string, value: string): string {
    return PREFIX + this.sealer.nameOf(JSON.stringify([this.options.issuer, 'forgotten', kind, value]));
  }
}

/** It was sealed by an instance with the same secret, but perhaps of another version: its shape is checked. */
function readAnswered(text: string): Answered | undefined {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) return undefined;
  const { issuer, claims, askedAt } = value;
  if (typeof issuer !== 'string' || !isObject(claims) || typeof askedAt !== 'number') return undefined;
  return { issuer, claims: claims as AccessTokenClaims, askedAt };
}
