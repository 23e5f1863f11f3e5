/** Is this token active at its issuer, and meant for us? RFC 7662 section 2.2, RFC 9701. */
import { invalidToken, TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { freezeClaims } from '../token/access-token-claims.js';
import type { IntrospectionAnswer, IntrospectionClient } from './introspection-client.js';
import type { Answered, IntrospectionCache } from './introspection-cache.js';
import { checkClaims, checkIssuer, checkTimes, type ClaimsOptions } from '../token/check-claims.js';
import { checkTokenKind } from '../token/token-kind.js';
import { ValidatedToken } from '../token/validated-token.js';

export interface IntrospectionOptions {
  /**
   * Ask the provider about JWTs, too, instead of validating them here: a revocation bites, at the price of asking.
   *
   * @default false
   */
  readonly introspectJwtTokens: boolean;
  /**
   * Accept introspection answers that name no audience: any token of the issuer is good here then.
   *
   * @default false
   */
  readonly allowMissingAudience: boolean;
}

/** RFC 6750 section 2.1: b64token. Nothing else is a token, so the provider need not be asked. */
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const MAX_TOKEN_LENGTH = 65_536;

type Flights = Map<string, Promise<ValidatedToken>>;

export class OpaqueTokenValidator {
  /** One flight per token, whoever waits. None is tied to the request that began it. */
  readonly #lookUps: Flights = new Map();
  readonly #introspections: Flights = new Map();

  constructor(
    private readonly client: IntrospectionClient,
    private readonly cache: IntrospectionCache,
    private readonly options: IntrospectionOptions & ClaimsOptions,
  ) {}

  /**
   * A good token; without a promise when it is at hand.
   *
   * @param maxAge an answer older than this, in seconds, is not enough; `0` asks the provider
   * @throws {TokenError} `inactive_token`, `invalid_token`
   * @throws {ProviderUnavailableError} if that cannot be known now
   * @throws {ProviderError} if the provider refuses this server's own credentials
   */
  validate(token: string, maxAge?: number): ValidatedToken | Promise<ValidatedToken> {
    const held = this.cache.recall(token, maxAge);
    if (held) {
      checkTimes(held.claims, this.options);
      return held;
    }
    if (maxAge !== undefined) return this.#introspectOnce(token, true);
    const refusal = this.cache.recallRefusal(token);
    if (refusal) throw refusal;
    return fly(this.#lookUps, token, () => this.#lookUp(token));
  }

  async #lookUp(token: string): Promise<ValidatedToken> {
    const answered = await this.cache.recallShared(token);
    if (!answered) return this.#introspectOnce(token, false);
    const validated = this.#check(token, answered);
    this.cache.keep(validated, answered);
    return validated;
  }

  /** @param mayBeShared the shared cache was not asked first */
  #introspectOnce(token: string, mayBeShared: boolean): Promise<ValidatedToken> {
    return fly(this.#introspections, token, () => this.#introspect(token, mayBeShared));
  }

  async #introspect(token: string, mayBeShared: boolean): Promise<ValidatedToken> {
    if (token.length > MAX_TOKEN_LENGTH || !B64TOKEN.test(token))
      throw invalidToken('malformed', 'this cannot be a token (RFC 6750 section 2.1)');
    const askedAt = Date.now() / 1000;
    try {
      const answer = await this.client.introspect(token);
      const validated = this.#check(token, answer);
      const answered: Answered = { issuer: answer.issuer, claims: validated.claims, askedAt };
      this.cache.keep(validated, answered);
      this.cache.share(token, answered);
      return validated;
    } catch (error) {
      if (error instanceof TokenError) this.cache.keepRefusal(token, error, mayBeShared);
      throw error;
    }
  }

  #check(token: string, answer: IntrospectionAnswer): ValidatedToken {
    checkAnswer(answer, this.options);
    return new ValidatedToken(token, freezeClaims(answer.claims));
  }
}

/** The same as for a JWT, but for what RFC 7662 lets an answer leave out. */
export function checkAnswer(
  { issuer, claims }: IntrospectionAnswer,
  options: IntrospectionOptions & ClaimsOptions,
): void {
  if (claims['active'] !== true) {
    throw new TokenError('inactive_token', {
      detail: `the provider says active: ${quoteForeign(claims['active'])}`,
    });
  }
  checkTokenKind(claims);
  if (claims['iss'] !== undefined) checkIssuer(claims['iss'], issuer);
  const { allowMissingAudience } = options;
  if (claims['aud'] === undefined && !allowMissingAudience) {
    throw invalidToken(
      'audience',
      'the introspection answer has no aud; allowMissingAudience accepts that, and with it every API’s tokens',
    );
  }
  checkClaims(claims, options, { withoutExp: true, withoutAud: allowMissingAudience });
}

/** Joins the flight that is under way, or begins one. */
function fly(flights: Flights, token: string, begin: () => Promise<ValidatedToken>): Promise<ValidatedToken> {
  let flight = flights.get(token);
  if (!flight) flights.set(token, (flight = begin().finally(() => flights.delete(token))));
  return flight;
}
