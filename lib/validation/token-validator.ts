/** Is the token good? Picks who judges it. Usable without a request; scopes, groups and binding are judged elsewhere. */
import { ProviderUnavailableError, TokenError } from '../errors/auth.errors.js';
import { DeadlineError, withDeadline } from '../timing/deadline.js';
import type { Log } from '../errors/log.js';
import { isJwt } from '../jose/decode-jwt.js';
import { pickerOf, type ForgetSelector } from '../introspection/forget-selector.js';
import {
  MEMORY_TTL_BESIDE_SHARED_SECONDS,
  type IntrospectionCacheOptions,
} from '../introspection/introspection-cache.js';
import type { JwtTokenValidator } from '../token/jwt-token.validator.js';
import type { IntrospectionOptions, OpaqueTokenValidator } from '../introspection/opaque-token.validator.js';
import type { ProviderClientOptions } from '../issuer/provider-client.js';
import type { CacheOptions } from '../introspection/shared-cache.js';
import { runVerification } from '../timing/verification-queue.js';
import { whenReady } from '../timing/when-ready.js';
import type { ValidatedToken } from '../token/validated-token.js';

/** What `forget` did, and what it could not. */
export interface ForgetReport {
  /** Answers and verified tokens thrown out of this instance's memory. */
  readonly evicted: number;
  /** Where such tokens may still be taken for good, and for how long; empty if nowhere. For people to read. */
  readonly notReached: readonly string[];
}

/** A single call that takes too long ends before its request does, in seconds: it knows better what was wrong. */
const DEADLINE_SLACK_SECONDS = 0.1;

export class TokenValidator {
  #hasSaidHowToIntrospect = false;

  constructor(
    private readonly jwts: JwtTokenValidator,
    private readonly introspection: OpaqueTokenValidator | undefined,
    private readonly options: IntrospectionOptions &
      IntrospectionCacheOptions &
      CacheOptions &
      Pick<ProviderClientOptions, 'responseTimeout'>,
    private readonly log: Log,
  ) {}

  get canIntrospect(): boolean {
    return this.introspection !== undefined;
  }

  /**
   * Without a promise when the answer is at hand.
   *
   * @param introspectMaxAge ask the provider, also about a JWT that is good here, unless it answered at most so many
   *   seconds ago
   * @throws {TokenError} if the token is not good
   * @throws {ProviderUnavailableError} if that cannot be known now
   */
  validate(token: string, introspectMaxAge?: number): ValidatedToken | Promise<ValidatedToken> {
    if (typeof token !== 'string')
      throw new TokenError('invalid_token', { detail: 'the token is not a string' });
    if (this.options.introspectJwtTokens || !isJwt(token))
      return this.#inTime(this.#introspect(token, introspectMaxAge));
    const verified = this.#verify(token);
    if (introspectMaxAge === undefined) return verified;
    // The provider is not asked about a JWT that is refused without it.
    return this.#inTime(whenReady(verified, () => this.#introspect(token, introspectMaxAge)));
  }

  #verify(token: string): ValidatedToken | Promise<ValidatedToken> {
    // Again in its turn: it may have been verified for another request meanwhile.
    return this.jwts.recall(token) ?? runVerification(() => this.#inTime(this.jwts.validate(token)));
  }

  #inTime(validated: ValidatedToken | Promise<ValidatedToken>): ValidatedToken | Promise<ValidatedToken> {
    return validated instanceof Promise ? this.#beforeDeadline(validated) : validated;
  }

  /** However many answers of the provider this waits for: what goes on longer, goes on for those who come later. */
  async #beforeDeadline(validated: Promise<ValidatedToken>): Promise<ValidatedToken> {
    const { responseTimeout } = this.options;
    try {
      return await withDeadline(responseTimeout + DEADLINE_SLACK_SECONDS, () => validated);
    } catch (cause) {
      if (!(cause instanceof DeadlineError)) throw cause;
      throw new ProviderUnavailableError({
        detail: `the provider took more than ${responseTimeout} s`,
        cause,
      });
    }
  }

  #introspect(token: string, introspectMaxAge?: number): ValidatedToken | Promise<ValidatedToken> {
    if (this.introspection) return this.introspection.validate(token, introspectMaxAge);

    if (!this.#hasSaidHowToIntrospect) {
      this.#hasSaidHowToIntrospect = true;
      this.log.warn(
        'a token that is not a JWT was refused: to accept opaque tokens, configure introspection with clientId and clientSecret',
      );
    }
    throw new TokenError('invalid_token', {
      reason: 'not_introspected',
      detail: 'not a JWT, and introspection is not configured',
    });
  }

  async forget(selector: ForgetSelector): Promise<ForgetReport> {
    const picks = pickerOf(selector);
    const jwts = this.jwts.forget(picks);
    const answers = await this.introspection?.forget(selector);
    return {
      evicted: jwts + (answers?.evicted ?? 0),
      notReached: this.#notReached(answers?.sharedAnswered ?? true),
    };
  }

  #notReached(sharedAnswered: boolean): readonly string[] {
    const { introspectJwtTokens, introspectionCacheDuration, cache } = this.options;
    const reach: string[] = [];
    if (!introspectJwtTokens) reach.push('JWTs validated without the provider: good until they expire');
    if (!this.introspection || introspectionCacheDuration === 0) return reach;
    if (cache && !sharedAnswered) {
      reach.push(`the shared cache, which did not answer: for up to ${introspectionCacheDuration} s`);
    }
    const memory = cache
      ? Math.min(MEMORY_TTL_BESIDE_SHARED_SECONDS, introspectionCacheDuration)
      : introspectionCacheDuration;
    return [...reach, `the memory of other instances: for up to ${memory} s`];
  }
}
