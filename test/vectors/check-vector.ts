/** What does the library make of a vector? The one place where the vectors meet its code. */
import { TokenError } from '../../lib/errors/auth.errors.js';
import { decodeJwt, type DecodedJwt } from '../../lib/jose/decode-jwt.js';
import { IssuerKeySet } from '../../lib/issuer/issuer-key-set.js';
import type { IssuerKeys } from '../../lib/issuer/issuer-keys.js';
import { JwtTokenValidator, VerifiedJwts } from '../../lib/token/jwt-token.validator.js';
import { SignatureVerifier } from '../../lib/issuer/signature-verifier.js';
import type { TrustedIssuer } from '../../lib/issuer/trusted-issuer.js';
import { VerificationQueue } from '../../lib/timing/verification-queue.js';
import { readKeySet } from '../../lib/jose/verification-key.js';
import { SIGNING_ALGORITHMS } from '../../lib/jose/verify-signature.js';

export type Jwk = Readonly<Record<string, unknown>>;

export interface Verdict {
  /** The detail of the `TokenError`; `undefined` for what was accepted. Any other error is thrown on. */
  readonly refusal: string | undefined;
  /** Why keys of the set could not be used. */
  readonly unusable: readonly string[];
}

/** A JWS, as far as its header and signature go: by the keys of an issuer that publishes just these. */
export async function checkSignature(jws: string, published: readonly Jwk[]): Promise<Verdict> {
  const unusable: string[] = [];
  const verifier = verifierOf(issuerThatPublishes(published, { unusable }));
  return { refusal: await refusalOf(() => verifier.verify(decodeJws(jws))), unusable };
}

/** Whatever can be refused with no key at hand, for a header that need not be one of a JWS. */
export function checkHeader(header: Jwk): Promise<string | undefined> {
  const jwt: DecodedJwt = { token: '', header, claims: {}, signed: '', signature: Buffer.from('signature') };
  return refusalOf(() => verifierOf(issuerThatPublishes([])).checkHeader(jwt));
}

/** Only what can be read off the token itself: parts, encoding, JSON. */
export function judgeEncoding(token: string): Promise<string | undefined> {
  return refusalOf(() => decodeJwt(token));
}

/** A whole access token, claims and all. */
export function judgeAccessToken(
  token: string,
  published: readonly Jwk[],
  { issuer, audience }: { readonly issuer: string; readonly audience: string },
): Promise<string | undefined> {
  const keys = issuerThatPublishes(published, { issuer });
  const options = { requireAccessTokenType: true, audience, clockSkew: 0, clockTolerance: 0 };
  const trusted: Pick<TrustedIssuer, 'keys' | 'signatures'> = { keys, signatures: verifierOf(keys) };
  const queue = new VerificationQueue();
  const validator = new JwtTokenValidator(trusted as TrustedIssuer, new VerifiedJwts(), queue, options);
  return refusalOf(() => validator.validate(decodeJwt(token)));
}

/** `undefined` if nothing is refused. A vector that ends in an error of another type fails its test. */
async function refusalOf(check: () => unknown): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (error instanceof TokenError && error.code === 'invalid_token') return error.detail ?? '';
    throw error;
  }
}

/**
 * `decodeJwt` demands claims, and the payloads of most vectors are none ("foo", zeros, nothing). What it refuses for that
 * reason alone is decoded again with an empty claims set in the payload's place, so that header and signature are read by
 * the same strict code, and then signed input and token are put back as they came.
 */
function decodeJws(jws: string): DecodedJwt {
  try {
    return decodeJwt(jws);
  } catch (error) {
    if (!(error instanceof TokenError && NOT_CLAIMS.test(error.detail ?? ''))) throw error;
  }
  const [header, , signature] = jws.split('.');
  const signed = jws.slice(0, jws.lastIndexOf('.'));
  return { ...decodeJwt(`${header}.e30.${signature}`), token: jws, signed };
}

/** Not among them: a payload that is not base64url, which no JWS may have. */
export const NOT_CLAIMS = /^the payload is (empty|not UTF-8|not JSON|not an object)$/;

const verifierOf = (keys: IssuerKeys): SignatureVerifier =>
  new SignatureVerifier(keys, { signingAlgorithms: SIGNING_ALGORITHMS }, new VerificationQueue());

/** Keys that are at hand and never change: what is fetched, and when, is not the vectors' subject. */
function issuerThatPublishes(
  jwks: readonly Jwk[],
  { issuer = '', unusable = [] }: { readonly issuer?: string; readonly unusable?: string[] } = {},
): IssuerKeys {
  const keys = readKeySet(jwks, (_kid, reason) => unusable.push(reason));
  const keySet = new IssuerKeySet(issuer, keys);
  const known: Pick<IssuerKeys, 'get' | 'renew'> = {
    get: () => keySet,
    renew: () => Promise.resolve(undefined),
  };
  return known as IssuerKeys;
}
