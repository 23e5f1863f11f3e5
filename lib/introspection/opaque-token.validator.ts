/** Validates tokens by introspection: they must be active, and intended for this API. RFC 7662 section 2.2, RFC 9701. */
import { invalidToken, TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { withoutSlash } from '../issuer/issuer-metadata.js';
import type { TrustedIssuer } from '../issuer/trusted-issuer.js';
import { SingleFlight } from '../timing/single-flight.js';
import { freezeClaims } from '../token/access-token-claims.js';
import type { ForgetSelector } from './forget-selector.js';
import { claimedIssuerOf, withBindingOf, type IntrospectionAnswer } from './introspection-answer.js';
import type { IntrospectionClient } from './introspection-client.js';
import type { IntrospectionCache } from './introspection-cache.js';
import type { Answered } from './shared-answers.js';
import { checkClaims, checkIssuer, checkTimes, type ClaimsOptions } from '../token/check-claims.js';
import { checkTokenKind } from '../token/token-kind.js';
import { ValidatedToken } from '../token/validated-token.js';

export interface IntrospectionOptions {
  /**
   * Also introspect JWTs, instead of validating them locally: revocations take effect, at the cost of calls to
   * the provider.
   *
   * @default false
   */
  readonly introspectJwtTokens: boolean;
  /**
   * Accept introspection responses without an audience: tokens of the issuer for any API are then accepted.
   *
   * @default false
   */
  readonly allowMissingAudience: boolean;
}

/** RFC 6750 section 2.1: b64token. Anything else is not a token, and is rejected without a call to the provider. */
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const MAX_TOKEN_LENGTH = 65_536;

/** Validates the tokens of one issuer. */
export class OpaqueTokenValidator {
  readonly #lookUps = new SingleFlight<ValidatedToken>();
  readonly #introspections = new SingleFlight<ValidatedToken>();

  constructor(
    private readonly trusted: TrustedIssuer,
    private readonly client: Pick<IntrospectionClient, 'introspect'>,
    private readonly cache: IntrospectionCache,
    private readonly options: IntrospectionOptions & ClaimsOptions,
  ) {}

  /**
   * Returns a valid token, without a promise if it is in memory.
   *
   * @param maxAge the maximum age of a cached response, in seconds; `0` calls the provider
   * @throws {TokenError} `inactive_token`, `invalid_token`
   * @throws {ProviderUnavailableError} if the validity of the token cannot be determined now
   * @throws {ProviderError} if the provider rejects the credentials of this API
   */
  validate(token: string, maxAge?: number): ValidatedToken | Promise<ValidatedToken> {
    const held = this.cache.recall(token, maxAge);
    if (held) {
      checkTimes(held.claims, this.options);
      return held;
    }
    const refusal = this.cache.recallRefusal(token, maxAge);
    if (refusal) throw refusal;
    if (maxAge !== undefined) return this.#introspectOnce(token, true, maxAge);
    return this.#lookUps.run(token, () => this.#lookUp(token));
  }

  /**
   * Removes cached responses. Later requests do not join an introspection that began earlier.
   *
   * @throws {TypeError} unless the selector is exactly one non-empty string
   */
  async forget(selector: ForgetSelector): ReturnType<IntrospectionCache['forget']> {
    try {
      return await this.cache.forget(selector);
    } finally {
      this.#lookUps.detach();
      this.#introspections.detach();
    }
  }

  async #lookUp(token: string): Promise<ValidatedToken> {
    const answered = await this.cache.recallShared(token);
    if (!answered) return this.#introspectOnce(token, false);
    const validated = this.#check(token, answered);
    this.cache.keep(validated, answered);
    return validated;
  }

  /** @param mayBeShared the shared cache was not read first */
  #introspectOnce(token: string, mayBeShared: boolean, maxAge?: number): Promise<ValidatedToken> {
    return this.#introspections.run(token, () => this.#introspect(token, mayBeShared), maxAge);
  }

  async #introspect(token: string, mayBeShared: boolean): Promise<ValidatedToken> {
    if (token.length > MAX_TOKEN_LENGTH || !B64TOKEN.test(token))
      throw invalidToken('malformed', 'not a token (RFC 6750 section 2.1)');
    // A token of another issuer must not be sent to this one.
    const claimed = claimedIssuerOf(token);
    if (claimed !== undefined && withoutSlash(claimed) !== withoutSlash(this.trusted.accessTokenIssuer))
      throw invalidToken('issuer', `iss is ${quoteForeign(claimed)}, and the provider was not called`);
    const askedAt = Date.now() / 1000;
    let answer: IntrospectionAnswer | undefined;
    try {
      answer = await this.client.introspect(token);
      const validated = this.#check(token, answer);
      const answered: Answered = { issuer: answer.issuer, claims: validated.claims, askedAt };
      this.cache.keep(validated, answered);
      this.cache.share(token, answered);
      return validated;
    } catch (error) {
      if (error instanceof TokenError) this.cache.keepRefusal(token, error, mayBeShared, answer?.claims);
      throw error;
    }
  }

  #check(token: string, answer: IntrospectionAnswer): ValidatedToken {
    const { issuer } = answer;
    const claims = withBindingOf(token, answer.claims);
    checkAnswer({ issuer, claims }, this.options);
    // A response may omit `iss` (RFC 7662 section 2.2); one with another issuer is rejected above.
    return new ValidatedToken(token, freezeClaims({ ...claims, iss: issuer }), this.trusted);
  }
}

/** Applies the same checks as for a JWT, except for claims that a response may omit (RFC 7662 section 2.2). */
export function checkAnswer(
  { issuer, claims }: IntrospectionAnswer,
  options: IntrospectionOptions & ClaimsOptions,
): void {
  if (claims['active'] !== true) {
    throw new TokenError('inactive_token', {
      detail: `the provider reports active: ${quoteForeign(claims['active'])}`,
    });
  }
  checkTokenKind(claims);
  if (claims['iss'] !== undefined) checkIssuer(claims['iss'], issuer);
  const { allowMissingAudience } = options;
  if (claims['aud'] === undefined && !allowMissingAudience) {
    throw invalidToken(
      'audience',
      'the introspection response has no aud; allowMissingAudience would accept it, and the tokens of every other API',
    );
  }
  checkClaims(claims, options, { withoutExp: true, withoutAud: allowMissingAudience });
}
