/** Validates JWT access tokens. RFC 7519 section 7.2, RFC 8725, RFC 9068 section 4. */
import { invalidToken, nameIssuer } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { freezeClaims, type AccessTokenClaims } from './access-token-claims.js';
import type { DecodedJwt } from '../jose/decode-jwt.js';
import type { IssuerKeySet } from '../issuer/issuer-key-set.js';
import { checkClaims, checkIssuer, checkTimes, type ClaimsOptions } from './check-claims.js';
import { checkTokenKind } from './token-kind.js';
import { RememberedTokens } from '../jose/remembered-tokens.js';
import type { Verification } from '../issuer/signature-verifier.js';
import type { TrustedIssuer } from '../issuer/trusted-issuer.js';
import type { VerificationQueue } from '../timing/verification-queue.js';
import { ValidatedToken } from './validated-token.js';
import type { VerificationKey } from '../jose/verification-key.js';

export interface JwtOptions {
  /**
   * `typ` must be `at+jwt`, and the token must have `sub`, `client_id`, `iat` and `jti` (RFC 9068 section
   * 2.2). If off, `JWT` and no `typ` are also accepted, and these claims may be missing.
   *
   * Many providers do not set the type. If off, an ID token without claims that only ID tokens have is accepted as an access
   * token.
   *
   * @default false
   */
  readonly requireAccessTokenType: boolean;
}

/** Claims that only ID tokens have (OpenID Connect Core 1.0 sections 2 and 3.3.2.11, FAPI 1.0 part 2 section 5.1). */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash'] as const;

/** The claims that RFC 9068 section 2.2 requires, except `iss`, `aud` and `exp`, which every JWT must have. */
const PROFILE_CLAIMS = ['sub', 'client_id', 'iat', 'jti'] as const;

/** The maximum number of cached tokens, for one issuer and for several. The least recently used is evicted first. */
const MAX_VERIFIED = 10_000;
const MAX_VERIFIED_OF_SEVERAL = 50_000;

class VerifiedJwt extends ValidatedToken {
  readonly key: VerificationKey;
  /** The latest key set that was found to have the key. */
  keySet: IssuerKeySet;

  constructor(
    { token, claims }: DecodedJwt,
    { key, keySet }: Verification,
    readonly validator: JwtTokenValidator,
  ) {
    super(token, freezeClaims(claims), validator.issuer);
    this.key = key;
    this.keySet = keySet;
  }
}

/**
 * Caches the verified tokens of all issuers of a module, so that a signature is verified once per token and key. A token is
 * looked up before its issuer is known.
 */
export class VerifiedJwts {
  readonly #tokens: RememberedTokens<VerifiedJwt>;

  constructor(ofSeveral = false) {
    this.#tokens = new RememberedTokens(ofSeveral ? MAX_VERIFIED_OF_SEVERAL : MAX_VERIFIED);
  }

  /**
   * Returns a token that was verified before and is still valid; `undefined` for one that must be verified.
   *
   * @param held the result of an earlier validation of the token, which may no longer be cached
   * @throws {TokenError} `invalid_token` if it has expired
   */
  recall(token: string, held?: ValidatedToken): ValidatedToken | undefined {
    const verified = this.#isOurs(held) && held.token === token ? held : this.#tokens.get(token);
    return verified && verified.validator.recheck(verified);
  }

  /** Returns whether this module verified the token. Another module of the process may accept other tokens. */
  #isOurs(held: ValidatedToken | undefined): held is VerifiedJwt {
    return held instanceof VerifiedJwt && held.validator.verified === this;
  }

  remember(verified: VerifiedJwt): void {
    this.#tokens.set(verified);
  }

  /** Removes the tokens of an issuer. */
  forgetIssuer(issuer: TrustedIssuer): void {
    this.#tokens.forget((verified) => verified.issuer === issuer);
  }

  /** Removes the tokens that a selector matches, so that they are verified again. Returns their number. */
  forget(picks: (token: string, claims: AccessTokenClaims) => boolean): number {
    return this.#tokens.forget(({ token, claims }) => picks(token, claims)).length;
  }
}

/** Validates the JWTs of one issuer. */
export class JwtTokenValidator {
  constructor(
    readonly issuer: TrustedIssuer,
    readonly verified: VerifiedJwts,
    private readonly queue: VerificationQueue,
    private readonly options: JwtOptions & ClaimsOptions,
  ) {}

  /**
   * Returns the validated token; a promise only if keys must be fetched, or if several keys match the token. Everything that
   * needs no key is checked before any cryptography.
   *
   * Does not check scopes, groups or the binding of the token.
   *
   * @throws {TokenError} `invalid_token`
   * @throws {ProviderUnavailableError} if the keys cannot be fetched
   */
  validate(jwt: DecodedJwt): ValidatedToken | Promise<ValidatedToken> {
    const { keys, signatures } = this.issuer;
    signatures.checkHeader(jwt);
    checkType(jwt, this.options);
    checkClaims(jwt.claims, this.options);
    checkProfile(jwt.claims, this.options);
    const keySet = keys.get();
    return keySet instanceof Promise
      ? keySet.then((known) => this.queue.verify(() => this.#verify(jwt, known)))
      : this.#verify(jwt, keySet);
  }

  /**
   * Returns a token that this validator has verified before; `undefined` if it must be verified again.
   *
   * @throws {TokenError} `invalid_token` if it has expired
   */
  recheck(verified: VerifiedJwt): ValidatedToken | undefined {
    if (!this.issuer.isCurrent || !holds(verified, this.issuer.keys.get())) return undefined;
    try {
      checkTimes(verified.claims, this.options);
    } catch (error) {
      throw nameIssuer(error, this.issuer.name);
    }
    return verified;
  }

  #verify(jwt: DecodedJwt, { issuer }: IssuerKeySet): ValidatedToken | Promise<ValidatedToken> {
    checkIssuer(jwt.claims['iss'], issuer);
    const verification = this.issuer.signatures.verify(jwt);
    return verification instanceof Promise
      ? verification.then((found) => this.#remember(jwt, found))
      : this.#remember(jwt, verification);
  }

  #remember(jwt: DecodedJwt, verification: Verification): ValidatedToken {
    // The key may be from a newer key set than the one whose issuer was compared before.
    checkIssuer(jwt.claims['iss'], verification.keySet.issuer);
    const verified = new VerifiedJwt(jwt, verification, this);
    this.verified.remember(verified);
    return verified;
  }
}

/** Returns whether the key set has the token's key. A later set may have it, too: a refresh needs no new verifications. */
function holds(verified: VerifiedJwt, keySet: IssuerKeySet | Promise<IssuerKeySet>): boolean {
  if (verified.keySet === keySet) return true;
  if (keySet instanceof Promise) {
    // The token is validated again, and may be rejected before the keys are awaited. Without a handler, a failed fetch would then
    // end the process.
    keySet.catch(() => undefined);
    return false;
  }
  if (keySet.issuer !== verified.keySet.issuer) return false;
  if (!keySet.keys.includes(verified.key)) return false;
  verified.keySet = keySet;
  return true;
}

/** Throws if the JWT states that it is another kind of token or, with `requireAccessTokenType`, does not state its type. */
export function checkType(
  { header: { typ }, claims }: Pick<DecodedJwt, 'header' | 'claims'>,
  options: JwtOptions,
): void {
  checkTokenKind(claims);
  if (isAccessTokenType(typ)) return;
  if (options.requireAccessTokenType)
    throw invalidToken('type', () => `typ is ${quoteForeign(typ)}, expected at+jwt`);
  if (typ !== undefined && !(typeof typ === 'string' && typ.toLowerCase() === 'jwt')) {
    throw invalidToken('type', () => `typ ${quoteForeign(typ)} is not that of an access token`);
  }
  const telling = ID_TOKEN_CLAIMS.find((name) => name in claims);
  if (telling) throw invalidToken('type', `${telling} makes it an ID token, not an access token`);
}

/** Throws if the type is required and a claim of RFC 9068 is missing. The types of the claims are not checked here. */
export function checkProfile(claims: DecodedJwt['claims'], options: JwtOptions): void {
  if (!options.requireAccessTokenType) return;
  const missing = PROFILE_CLAIMS.filter((name) => claims[name] === undefined || claims[name] === null);
  if (missing.length === 0) return;
  throw invalidToken('claims', `${missing.join(', ')} missing: RFC 9068 requires it`);
}

function isAccessTokenType(typ: unknown): boolean {
  const lower = typeof typ === 'string' ? typ.toLowerCase() : typ;
  return lower === 'at+jwt' || lower === 'application/at+jwt';
}
