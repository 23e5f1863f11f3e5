/** Which of the issuer's keys may have signed this, and did it? RFC 7517 section 4, RFC 7518 section 3.1, RFC 8725 section 3.1. */
import { isObject } from './strict-json.js';
import {
  importPublicKey,
  isKindFor,
  isPublicKey,
  verifySignature,
  type SignatureKey,
} from './verify-signature.js';

export class VerificationKey {
  /** By algorithm; `undefined` where the key is broken. */
  readonly #imported = new Map<string, SignatureKey | undefined>();

  constructor(
    private readonly jwk: Readonly<Record<string, unknown>>,
    /** The key as the issuer publishes it: two that read alike are one. */
    readonly text: string,
    private readonly onUnusable: (reason: string) => void,
  ) {}

  get kid(): unknown {
    return this.jwk['kid'];
  }

  /** Whether the key may be used for this algorithm. What it does not say of itself (`alg`, `use`, `key_ops`) fits. */
  fits(alg: string): boolean {
    const key = this.jwk;
    return (
      isKindFor(alg, key) &&
      (key['use'] === undefined || key['use'] === 'sig') &&
      (key['key_ops'] === undefined ||
        (Array.isArray(key['key_ops']) && key['key_ops'].includes('verify'))) &&
      (key['alg'] === undefined || isSameAlgorithm(key['alg'], alg))
    );
  }

  /** Whether this key made the signature; a broken key has made none, and must not spoil the others. */
  verifies(alg: string, signed: string, signature: Buffer): boolean {
    if (!this.#imported.has(alg)) this.#imported.set(alg, this.#import(alg));
    const key = this.#imported.get(alg);
    return key !== undefined && verifySignature(key, signed, signature);
  }

  #import(alg: string): SignatureKey | undefined {
    try {
      return importIssuerKey(alg, this.jwk);
    } catch (error) {
      this.onUnusable(error instanceof Error ? error.message : 'import failed');
      return undefined;
    }
  }
}

/** @throws {Error} that says why the key is of no use for this algorithm */
export function importIssuerKey(alg: string, jwk: Readonly<Record<string, unknown>>): SignatureKey {
  if (!isPublicKey(jwk)) throw new Error('the key set publishes its private part');
  return importPublicKey(alg, jwk);
}

/**
 * The keys of a JWK Set (RFC 7517 section 5). Members that are not even objects are left out; what a key is good for shows
 * in use.
 *
 * @param held the keys of the set before: what has not changed is not imported anew
 */
export function readKeySet(
  keys: readonly unknown[],
  onUnusable: (kid: unknown, reason: string) => void,
  held: readonly VerificationKey[] = [],
): readonly VerificationKey[] {
  const known = new Map(held.map((key) => [key.text, key]));
  return keys.filter(isObject).flatMap((published) => {
    const jwk = withoutNulls(published);
    const text = textOf(jwk);
    if (text === undefined) return [];
    return known.get(text) ?? new VerificationKey(jwk, text, (reason) => onUnusable(jwk['kid'], reason));
  });
}

/** Serializers of some providers write `null` for a member that a key does not have. The order of members varies, too. */
function withoutNulls(jwk: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const members = Object.entries(jwk).filter(([, value]) => value !== null);
  return Object.fromEntries(members.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** `undefined` for what is nested too deep to be written. */
function textOf(jwk: Readonly<Record<string, unknown>>): string | undefined {
  try {
    return JSON.stringify(jwk);
  } catch {
    return undefined;
  }
}

const EDDSA: ReadonlySet<unknown> = new Set(['EdDSA', 'Ed25519']);

/** RFC 9864 names Ed25519 for what RFC 8037 calls EdDSA. */
function isSameAlgorithm(one: unknown, other: string): boolean {
  return one === other || (EDDSA.has(one) && EDDSA.has(other));
}
