/** Is this JWT a good access token of our issuer? RFC 7519 section 7.2, RFC 8725, RFC 9068 section 4. */
import { compactVerify, errors } from 'jose';
import { TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { freezeClaims, type AccessTokenClaims } from './access-token-claims.js';
import { decodeJwt, type DecodedJwt } from './decode-jwt.js';
import type { IssuerKeys, IssuerKeySet } from './issuer-keys.js';
import { judgeClaims, judgeIssuer, type ClaimsOptions } from './judge-claims.js';
import type { VerificationKey } from './verification-key.js';

export interface JwtOptions {
  /** The `alg` values accepted. @default all asymmetric ones: RS256 to RS512, PS256 to PS512, ES256 to ES512, EdDSA, Ed25519 */
  readonly signingAlgorithms: readonly string[];
  /**
   * `typ` must be `at+jwt` (RFC 9068). Off, `JWT` and an absent `typ` pass too, as many providers write access tokens;
   * an ID token that carries nothing an access token could not carry cannot be told from one then. @default false
   */
  readonly requireAccessTokenType: boolean;
}

/** What only ID tokens carry (OpenID Connect Core 1.0 sections 2 and 3.3.2.11, FAPI 1.0 part 2 section 5.1). */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash'] as const;

/** A token without `kid` is tried against so many keys at the most. */
const MOST_CANDIDATES = 16;

export class JwtTokenValidator {
  constructor(
    private readonly keys: IssuerKeys,
    private readonly options: JwtOptions & ClaimsOptions,
  ) {}

  /**
   * The claims of a good token. Whatever can be refused without a key is refused before any cryptography.
   *
   * Does not check scopes, groups, or whom the token is bound to.
   *
   * @throws {TokenError} `invalid_token`
   * @throws {ProviderUnavailableError} if the keys cannot be had
   */
  async validate(token: string): Promise<AccessTokenClaims> {
    const jwt = decodeJwt(token);
    this.#judgeHeader(jwt);
    judgeClaims(jwt.claims, this.options);
    const keySet = await this.keys.get();
    judgeIssuer(jwt.claims['iss'], keySet.issuer);
    await this.#verifySignature(jwt, keySet);
    return freezeClaims(jwt.claims);
  }

  #judgeHeader({ header, claims }: DecodedJwt): void {
    const { alg, typ, kid } = header;
    if (typeof alg !== 'string' || !this.options.signingAlgorithms.includes(alg)) {
      throw refuse(`alg ${quoteForeign(alg)} is not accepted`);
    }
    if (kid !== undefined && typeof kid !== 'string') throw refuse('kid is not a string');
    // No extension is understood here, so none may be critical (RFC 7515 section 4.1.11, RFC 7797 section 6).
    if ('crit' in header || 'b64' in header) throw refuse('the header asks for an extension (crit, b64)');

    if (isAccessTokenType(typ)) return;
    if (this.options.requireAccessTokenType) throw refuse(`typ is ${quoteForeign(typ)}, expected at+jwt`);
    if (typ !== undefined && !(typeof typ === 'string' && typ.toLowerCase() === 'jwt')) {
      throw refuse(`typ ${quoteForeign(typ)} is not that of an access token`);
    }
    const telling = ID_TOKEN_CLAIMS.find((name) => name in claims);
    if (telling) throw refuse(`${telling} makes it an ID token, not an access token`);
  }

  async #verifySignature(jwt: DecodedJwt, known: IssuerKeySet): Promise<void> {
    const candidates = candidatesFor(jwt, known);
    if (await verifiesWithAny(jwt, candidates)) return;
    if (candidates.length > 0 && jwt.header['kid'] !== undefined)
      throw refuse('the signature does not verify');

    // A key that is not known, or a rotation that shows in no name: the issuer may have a new one.
    const renewed = await this.keys.renew(known);
    if (renewed && (await verifiesWithAny(jwt, candidatesFor(jwt, renewed)))) return;
    throw refuse(`none of the issuer's keys fits: kid ${quoteForeign(jwt.header['kid'])}`);
  }
}

const refuse = (detail: string, cause?: unknown): TokenError =>
  new TokenError('invalid_token', { detail, cause });

function isAccessTokenType(typ: unknown): boolean {
  const lower = typeof typ === 'string' ? typ.toLowerCase() : typ;
  return lower === 'at+jwt' || lower === 'application/at+jwt';
}

function candidatesFor({ header }: DecodedJwt, { keys }: IssuerKeySet): readonly VerificationKey[] {
  const { alg, kid } = header as { alg: string; kid?: string };
  const fitting = keys.filter((key) => key.fits(alg, kid));
  const named = kid === undefined ? [] : fitting.filter((key) => key.kid === kid);
  return (named.length > 0 ? named : fitting).slice(0, MOST_CANDIDATES);
}

async function verifiesWithAny(
  { token, header }: DecodedJwt,
  keys: readonly VerificationKey[],
): Promise<boolean> {
  const alg = header['alg'] as string;
  for (const candidate of keys) {
    const key = await candidate.import(alg);
    if (!key) continue;
    try {
      await compactVerify(token, key, { algorithms: [alg] });
      return true;
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) continue;
      // jose's other errors speak of the token too; anything else is a fault of ours and must not look like one of the token.
      if (error instanceof errors.JOSEError) throw refuse(error.code, error);
      throw error;
    }
  }
  return false;
}
