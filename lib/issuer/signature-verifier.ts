/** Did the issuer sign this? RFC 7515 section 5.2, RFC 8725 section 3.1. */
import { invalidToken, type TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { DecodedJwt } from '../jose/decode-jwt.js';
import type { IssuerKeySet } from './issuer-key-set.js';
import type { IssuerKeys } from './issuer-keys.js';
import { RememberedTokens } from '../jose/remembered-tokens.js';
import type { VerificationKey } from '../jose/verification-key.js';

/** Tokens whose signature did not verify are remembered: a client that tries again and again costs one check. */
const MAX_FORGED = 1000;

export interface SignatureOptions {
  /**
   * The `alg` values accepted: any of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519.
   *
   * @default all of them
   */
  readonly signingAlgorithms: readonly string[];
}

interface Forged {
  readonly token: string;
  /** That it was held against. */
  readonly keySet: IssuerKeySet;
}

/** The key that made a signature, and the key set that it was found in. */
export interface Verification {
  readonly key: VerificationKey;
  readonly keySet: IssuerKeySet;
}

export class SignatureVerifier {
  readonly #forged = new RememberedTokens<Forged>(MAX_FORGED);

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
  checkHeader({ header, signature }: Pick<DecodedJwt, 'header' | 'signature'>): void {
    const { alg, kid } = header;
    if (typeof alg !== 'string' || !this.options.signingAlgorithms.includes(alg)) {
      throw invalidToken('algorithm', `alg ${quoteForeign(alg)} is not accepted`);
    }
    if (kid !== undefined && typeof kid !== 'string') throw invalidToken('malformed', 'kid is not a string');
    // No extension is understood here, so none may be critical (RFC 7515 section 4.1.11, RFC 7797 section 6).
    if ('crit' in header || 'b64' in header)
      throw invalidToken('malformed', 'the header asks for an extension (crit, b64)');
    if (signature.length === 0) throw invalidToken('malformed', 'the signature is empty');
  }

  /**
   * Without a promise when the keys are at hand.
   *
   * @throws {TokenError} `invalid_token`
   * @throws {ProviderUnavailableError} if the keys cannot be had
   */
  verify(jwt: DecodedJwt): Verification | Promise<Verification> {
    this.checkHeader(jwt);
    const known = this.keys.get();
    return known instanceof Promise
      ? known.then((keySet) => this.#verifyWith(jwt, keySet))
      : this.#verifyWith(jwt, known);
  }

  #verifyWith(jwt: DecodedJwt, known: IssuerKeySet): Verification | Promise<Verification> {
    if (this.#forged.get(jwt.token)?.keySet === known) throw signatureError();
    const candidates = candidatesFor(jwt, known);
    const key = findSigner(jwt, candidates);
    if (key) return { key, keySet: known };

    const kid = jwt.header['kid'] as string | undefined;
    if (candidates.length > 0 && kid !== undefined) {
      this.#forged.set({ token: jwt.token, keySet: known });
      throw signatureError();
    }
    // A name that is there but fits nothing is no rotation, and does not use up what is kept for one.
    if (kid !== undefined && known.keys.some((each) => each.kid === kid)) throw nothingFits(kid);
    return this.#verifyWithNewer(jwt, known, kid);
  }

  /** A key that is not known, or a rotation that shows in no name: the issuer may have a new one. */
  async #verifyWithNewer(
    jwt: DecodedJwt,
    known: IssuerKeySet,
    kid: string | undefined,
  ): Promise<Verification> {
    const keySet = await this.keys.renew(known, kid);
    const key = keySet && findSigner(jwt, candidatesFor(jwt, keySet));
    if (keySet === undefined || key === undefined) throw nothingFits(kid);
    return { key, keySet };
  }
}

const signatureError = (): TokenError => invalidToken('signature', 'the signature does not verify');
const nothingFits = (kid: unknown): TokenError =>
  invalidToken('unknown_key', `none of the issuer's keys fits: kid ${quoteForeign(kid)}`);

function candidatesFor({ header }: DecodedJwt, keySet: IssuerKeySet): readonly VerificationKey[] {
  const { alg, kid } = header as { alg: string; kid?: string };
  return keySet.candidatesFor(alg, kid);
}

function findSigner(
  { header, signed, signature }: DecodedJwt,
  candidates: readonly VerificationKey[],
): VerificationKey | undefined {
  return candidates.find((key) => key.verifies(header['alg'] as string, signed, signature));
}
