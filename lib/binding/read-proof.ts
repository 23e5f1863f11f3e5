/** Reads a DPoP proof and its key. RFC 9449 section 4.2. Does not check the claims or the signature. */
import { createHash } from 'node:crypto';
import { TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { decodeJwt, type DecodedJwt } from '../jose/decode-jwt.js';
import { checkPublicKeySize } from '../jose/public-key-size.js';
import { isObject } from '../jose/strict-json.js';
import { isKindFor, isPublicKey, SIGNING_ALGORITHMS } from '../jose/verify-signature.js';
import { invalidProof } from './dpop-proof.error.js';

/** The algorithms in challenges of the scheme `DPoP`, unless a profile allows fewer. */
export const DPOP_ALGORITHMS = SIGNING_ALGORITHMS;

const MAX_PROOF_LENGTH = 8192;

type Jwk = Readonly<Record<string, unknown>>;

export interface Proof extends Pick<DecodedJwt, 'claims' | 'signed' | 'signature'> {
  readonly alg: string;
  /** Has the type that `alg` requires and a usable size; is not imported yet. */
  readonly jwk: Jwk;
  /** The thumbprint of the key (RFC 7638). */
  readonly thumbprint: string;
}

/** @throws {DPoPProofError} `invalid_dpop_proof` for no proof, several proofs, or a malformed one */
export function readProof(text: string | undefined, algorithms: readonly string[]): Proof {
  const { header, claims, signed, signature } = decodeProof(text);
  const { typ, alg, jwk } = header;
  if (typeof typ !== 'string' || !/^(application\/)?dpop\+jwt$/i.test(typ))
    throw invalidProof(`typ is ${quoteForeign(typ)}`);
  if (typeof alg !== 'string' || !algorithms.includes(alg))
    throw invalidProof(`alg ${quoteForeign(alg)} is not accepted`);
  if (!isObject(jwk)) throw invalidProof('jwk is missing');
  if (!isPublicKey(jwk)) throw invalidProof('jwk is not a public key');
  if ('crit' in header || 'b64' in header) throw invalidProof('the header requires an extension (crit, b64)');
  checkKey(alg, jwk);
  return { claims, signed, signature, alg, jwk, thumbprint: thumbprintOf(jwk) };
}

function decodeProof(text: string | undefined): DecodedJwt {
  if (text === undefined || text === '') throw invalidProof('there is no DPoP header');
  if (text.includes(',')) throw invalidProof('there is more than one proof');
  if (text.length > MAX_PROOF_LENGTH)
    throw invalidProof(`the proof is longer than ${MAX_PROOF_LENGTH} characters`);
  try {
    return decodeJwt(text);
  } catch (error) {
    if (error instanceof TokenError) throw invalidProof(`of the proof: ${error.detail ?? error.message}`);
    throw error;
  }
}

/** Checks the type and the size of the key. Its own `alg`, `use` and `key_ops` are ignored. */
function checkKey(alg: string, jwk: Jwk): void {
  if (!isKindFor(alg, jwk)) throw invalidProof('jwk cannot be used: a key of another type');
  try {
    checkPublicKeySize(jwk);
  } catch (error) {
    throw invalidProof(`jwk cannot be used: ${error instanceof Error ? error.message : 'no reason given'}`);
  }
}

/** Hashes the required members in lexicographic order (RFC 7638 section 3). All of them are strings. */
function thumbprintOf({ kty, crv, x, y, n, e }: Jwk): string {
  const members = kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}
