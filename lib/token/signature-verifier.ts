/** Did the issuer sign this? RFC 7515 section 5.2, RFC 8725 section 3.1. */
import { compactVerify, errors } from 'jose';
import { TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { decodePart, type DecodedJwt } from './decode-jwt.js';
import type { IssuerKeys, IssuerKeySet } from './issuer-keys.js';
import type { VerificationKey } from './verification-key.js';

/** A token without `kid` is tried against so many keys at the most. */
const MOST_CANDIDATES = 16;

export interface SignatureOptions {
  /** The `alg` values accepted. @default all asymmetric ones: RS256 to RS512, PS256 to PS512, ES256 to ES512, EdDSA, Ed25519 */
  readonly signingAlgorithms: readonly string[];
}

export class SignatureVerifier {
  constructor(
    private readonly keys: IssuerKeys,
    private readonly options: SignatureOptions,
  ) {}

  /**
   * Whatever the header says that can be refused without a key. Key material in it (`jwk`, `jku`, `x5c`, `x5u`) is not
   * looked at, here or later.
   *
   * @throws {TokenError} `invalid_token`
   */
  judgeHeader({ header, token }: DecodedJwt): void {
    const { alg, kid } = header;
    if (typeof alg !== 'string' || !this.options.signingAlgorithms.includes(alg)) {
      throw refuse(`alg ${quoteForeign(alg)} is not accepted`);
    }
    if (kid !== undefined && typeof kid !== 'string') throw refuse('kid is not a string');
    // No extension is understood here, so none may be critical (RFC 7515 section 4.1.11, RFC 7797 section 6).
    if ('crit' in header || 'b64' in header) throw refuse('the header asks for an extension (crit, b64)');
    decodePart(token.slice(token.lastIndexOf('.') + 1), 'signature');
  }

  /**
   * @returns the keys it was verified with
   * @throws {TokenError} `invalid_token`
   * @throws {ProviderUnavailableError} if the keys cannot be had
   */
  async verify(jwt: DecodedJwt): Promise<IssuerKeySet> {
    this.judgeHeader(jwt);
    const known = await this.keys.get();
    const candidates = candidatesFor(jwt, known);
    if (await verifiesWithAny(jwt, candidates)) return known;
    if (candidates.length > 0 && jwt.header['kid'] !== undefined)
      throw refuse('the signature does not verify');

    // A name that is there but fits nothing is no rotation, and does not use up what is kept for one.
    const { kid } = jwt.header;
    const isNamed = kid !== undefined && known.keys.some((key) => key.kid === kid);
    // A key that is not known, or a rotation that shows in no name: the issuer may have a new one.
    const renewed = isNamed ? undefined : await this.keys.renew(known);
    if (renewed && (await verifiesWithAny(jwt, candidatesFor(jwt, renewed)))) return renewed;
    throw refuse(`none of the issuer's keys fits: kid ${quoteForeign(kid)}`);
  }
}

const refuse = (detail: string, cause?: unknown): TokenError =>
  new TokenError('invalid_token', { detail, cause });

function candidatesFor({ header }: DecodedJwt, { keys }: IssuerKeySet): readonly VerificationKey[] {
  const { alg, kid } = header as { alg: string; kid?: string };
  const fitting = keys.filter((key) => key.fits(alg, kid));
  const named = kid === undefined ? [] : fitting.filter((key) => key.kid === kid);
  return (named.length > 0 ? named : fitting).slice(0, MOST_CANDIDATES);
}

async function verifiesWithAny(
  { token, header }: DecodedJwt,
  candidates: readonly VerificationKey[],
): Promise<boolean> {
  const alg = header['alg'] as string;
  for (const candidate of candidates) {
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
