/** Reads the keys of an issuer and verifies signatures. RFC 7517 section 4, RFC 7518 section 3.1, RFC 8725 section 3.1. */
import { isObject } from './strict-json.js';
import {
  importPublicKey,
  isKindFor,
  isPublicKey,
  verifySignature,
  type SignatureKey,
} from './verify-signature.js';

export class VerificationKey {
  /** By algorithm; `undefined` for an unusable key. */
  readonly #imported = new Map<string, SignatureKey | undefined>();

  constructor(
    private readonly jwk: Readonly<Record<string, unknown>>,
    /** The published key as normalized JSON: two keys with the same text are the same key. */
    readonly text: string,
    private readonly onUnusable: (reason: string) => void,
  ) {}

  get kid(): unknown {
    return this.jwk['kid'];
  }

  /** Returns whether the key may be used for this algorithm. A member that it lacks (`alg`, `use`, `key_ops`) allows any use. */
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

  /** Returns whether this key made the signature. An unusable key returns `false`, so that the other keys can still be tried. */
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

/** @throws {Error} with the reason why the key cannot be used for this algorithm */
export function importIssuerKey(alg: string, jwk: Readonly<Record<string, unknown>>): SignatureKey {
  if (!isPublicKey(jwk)) throw new Error('the key set publishes its private part');
  return importPublicKey(alg, jwk);
}

/**
 * Returns the keys of a JWK Set (RFC 7517 section 5). Members that are not objects are left out; keys are checked when they
 * are used.
 *
 * @param held the keys of the previous set: unchanged ones are reused, and not imported again
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

/** Normalizes a key: some providers write `null` for a member that a key does not have, and the order of members varies. */
function withoutNulls(jwk: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const members = Object.entries(jwk).filter(([, value]) => value !== null);
  return Object.fromEntries(members.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Returns `undefined` for a key that is nested too deep to be serialized. */
function textOf(jwk: Readonly<Record<string, unknown>>): string | undefined {
  try {
    return JSON.stringify(jwk);
  } catch {
    return undefined;
  }
}

const EDDSA: ReadonlySet<unknown> = new Set(['EdDSA', 'Ed25519']);

/** RFC 9864 names `Ed25519` the algorithm that RFC 8037 names `EdDSA`. */
function isSameAlgorithm(one: unknown, other: string): boolean {
  return one === other || (EDDSA.has(one) && EDDSA.has(other));
}
