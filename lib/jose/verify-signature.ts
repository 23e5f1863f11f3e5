/**
 * Verifies signatures. RFC 7518 section 3, RFC 8037 section 3.1.
 *
 * Uses `node:crypto` on the calling thread: most verifications take tens of microseconds, and a transfer to another thread takes
 * longer.
 */
import { constants, createPublicKey, verify, type JsonWebKey, type VerifyKeyObjectInput } from 'node:crypto';
import { checkPublicKeySize } from './public-key-size.js';

/** Asymmetric algorithms only, so that a public key cannot be used as a shared secret. */
export const SIGNING_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

interface AlgorithmNeeds {
  /** The type of the key. */
  readonly kty: string;
  readonly crv?: string;
  readonly digest?: string;
  /** How the key is used. */
  readonly use: Omit<VerifyKeyObjectInput, 'key'>;
}

const pkcs1 = { kty: 'RSA', use: { padding: constants.RSA_PKCS1_PADDING } } as const;
/** RFC 7518 section 3.5: the salt is as long as the digest. */
const pss = {
  kty: 'RSA',
  use: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
} as const;
const ec = { kty: 'EC', use: { dsaEncoding: 'ieee-p1363' } } as const;
const ed25519 = { kty: 'OKP', crv: 'Ed25519', use: {} } as const;

const ALGORITHMS: Readonly<Record<string, AlgorithmNeeds>> = {
  RS256: { ...pkcs1, digest: 'sha256' },
  RS384: { ...pkcs1, digest: 'sha384' },
  RS512: { ...pkcs1, digest: 'sha512' },
  PS256: { ...pss, digest: 'sha256' },
  PS384: { ...pss, digest: 'sha384' },
  PS512: { ...pss, digest: 'sha512' },
  ES256: { ...ec, crv: 'P-256', digest: 'sha256' },
  ES384: { ...ec, crv: 'P-384', digest: 'sha384' },
  ES512: { ...ec, crv: 'P-521', digest: 'sha512' },
  EdDSA: ed25519,
  Ed25519: ed25519,
} satisfies Record<(typeof SIGNING_ALGORITHMS)[number], AlgorithmNeeds>;

/** Returns whether a key of this type can sign with this algorithm; `false` for an unknown algorithm. */
export function isKindFor(alg: string, { kty, crv }: Readonly<Record<string, unknown>>): boolean {
  const needs = Object.hasOwn(ALGORITHMS, alg) ? ALGORITHMS[alg] : undefined;
  return needs !== undefined && needs.kty === kty && (needs.crv === undefined || needs.crv === crv);
}

/** Private and symmetric keys have these members (RFC 7518 section 6). */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const;

export function isPublicKey(jwk: Readonly<Record<string, unknown>>): boolean {
  return !SECRET_MEMBERS.some((member) => member in jwk);
}

/** A public key that is imported to verify signatures of one algorithm. */
export interface SignatureKey {
  readonly digest: string | undefined;
  readonly key: VerifyKeyObjectInput;
}

/**
 * Imports the public members of a JWK. Its other members are not read here.
 *
 * @throws {Error} if the key is not for this algorithm, is too weak (RFC 7518 section 3.3) or is too costly to use
 */
export function importPublicKey(alg: string, jwk: Readonly<Record<string, unknown>>): SignatureKey {
  const needs = ALGORITHMS[alg];
  if (needs === undefined || !isKindFor(alg, jwk)) throw new Error('a key of another type');
  const { kty, crv, x, y, n, e } = jwk;
  const members = kty === 'RSA' ? { kty, n, e } : kty === 'EC' ? { kty, crv, x, y } : { kty, crv, x };
  checkPublicKeySize(members);
  const key = createPublicKey({ key: members as JsonWebKey, format: 'jwk' });
  return { digest: needs.digest, key: { ...needs.use, key } };
}

export function verifySignature({ digest, key }: SignatureKey, signed: string, signature: Buffer): boolean {
  return verify(digest, Buffer.from(signed, 'latin1'), key, signature);
}
