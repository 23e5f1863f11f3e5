/** Which of the issuer's keys may have signed this? RFC 7517 section 4, RFC 7518 section 3.1, RFC 8725 section 3.1. */
import { importJWK, type CryptoKey, type JWK } from 'jose';
import { isObject } from './strict-json.js';

/** Asymmetric algorithms only: with these a public key cannot be mistaken for a secret. */
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

/** The kind of key that an algorithm needs. */
const KEY_OF: Readonly<Record<string, { readonly kty: string; readonly crv?: string }>> = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
} satisfies Record<(typeof SIGNING_ALGORITHMS)[number], unknown>;

export class VerificationKey {
  readonly #imported = new Map<string, Promise<CryptoKey | undefined>>();

  constructor(
    private readonly jwk: Readonly<Record<string, unknown>>,
    private readonly onUnusable: (reason: string) => void,
  ) {}

  get kid(): unknown {
    return this.jwk['kid'];
  }

  /** What the key does not say of itself (`kid`, `alg`, `use`, `key_ops`) fits. */
  fits(alg: string, kid: string | undefined): boolean {
    const { kty, crv } = KEY_OF[alg] ?? {};
    const key = this.jwk;
    return (
      key['kty'] === kty &&
      (crv === undefined || key['crv'] === crv) &&
      (key['use'] === undefined || key['use'] === 'sig') &&
      (key['key_ops'] === undefined ||
        (Array.isArray(key['key_ops']) && key['key_ops'].includes('verify'))) &&
      (key['alg'] === undefined || isSameAlgorithm(key['alg'], alg)) &&
      (kid === undefined || key['kid'] === undefined || key['kid'] === kid)
    );
  }

  /** The key ready for use, imported once; `undefined` if it is broken, which must not spoil the others. */
  import(alg: string): Promise<CryptoKey | undefined> {
    let imported = this.#imported.get(alg);
    if (!imported) this.#imported.set(alg, (imported = this.#import(alg)));
    return imported;
  }

  async #import(alg: string): Promise<CryptoKey | undefined> {
    try {
      const { kty, crv, x, y, n, e } = this.jwk as JWK;
      if ('d' in this.jwk) throw new Error('the key set publishes its private part');
      const members = kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y };
      const present = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
      const key = (await importJWK(present as JWK, alg)) as CryptoKey;
      const { modulusLength } = key.algorithm as { modulusLength?: number };
      if (modulusLength !== undefined && modulusLength < 2048)
        throw new Error(`an RSA key of ${modulusLength} bits`);
      return key;
    } catch (error) {
      this.onUnusable(error instanceof Error ? error.message : 'import failed');
      return undefined;
    }
  }
}

/** The keys of a JWK Set. Members that are not even objects are left out; what a key is good for shows in use. */
export function readKeySet(
  keys: readonly unknown[],
  onUnusable: (kid: unknown, reason: string) => void,
): readonly VerificationKey[] {
  return keys
    .filter(isObject)
    .map((jwk) => new VerificationKey(jwk, (reason) => onUnusable(jwk['kid'], reason)));
}

/** RFC 9864 names Ed25519 for what RFC 8037 calls EdDSA. */
function isSameAlgorithm(one: unknown, other: string): boolean {
  return one === other || (KEY_OF[other]?.kty === 'OKP' && (one === 'EdDSA' || one === 'Ed25519'));
}
