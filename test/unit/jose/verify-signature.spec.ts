/** Which keys are for which algorithm, and whether they made a signature. RFC 7518 section 3, RFC 8037 section 3.1. */
import { describe, expect, it } from '@jest/globals';
import {
  importPublicKey,
  isKindFor,
  isPublicKey,
  SIGNING_ALGORITHMS,
  verifySignature,
} from '../../../lib/jose/verify-signature.js';
import { makeKey, signatureOf, type SigningKey } from '../../support/tokens.js';

type Alg = (typeof SIGNING_ALGORITHMS)[number];

/** By kind: making an RSA key takes long. */
const kindOf = (alg: Alg): string => {
  if (alg.startsWith('Ed')) return 'EdDSA';
  return alg.startsWith('ES') ? alg : 'RS256';
};
const KINDS = ['RS256', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const KEYS = new Map(KINDS.map((kind) => [kind, makeKey(kind)]));
const OTHERS = new Map(KINDS.map((kind) => [kind, makeKey(kind)]));

const keyFor = (alg: Alg, keys = KEYS): SigningKey => {
  const key = keys.get(kindOf(alg));
  if (!key) throw new Error(`no key for ${alg}`);
  return { ...key, alg };
};
const INPUT = 'header.payload';

describe.each(SIGNING_ALGORITHMS)('%s', (alg) => {
  const key = keyFor(alg);
  const signature = signatureOf(key, INPUT);

  it('has keys of its own kind, and takes no other', () => {
    for (const [kind, { jwk }] of KEYS) {
      expect([kind, isKindFor(alg, { ...jwk })]).toEqual([kind, kind === kindOf(alg)]);
      const use = (): unknown => importPublicKey(alg, { ...jwk });
      if (kind === kindOf(alg)) expect(use).not.toThrow();
      else expect(use).toThrow('a key of another type');
    }
    expect([isKindFor(alg, {}), isKindFor(alg, { kty: 'oct', k: 'AAAA' })]).toEqual([false, false]);
  });

  it('is verified by the key that signed, over what was signed', () => {
    const imported = importPublicKey(alg, { ...key.jwk });
    expect(verifySignature(imported, INPUT, signature)).toBe(true);
    expect(verifySignature(imported, `${INPUT} `, signature)).toBe(false);
    expect(verifySignature(imported, INPUT, signature.subarray(1))).toBe(false);
    const other = importPublicKey(alg, { ...keyFor(alg, OTHERS).jwk });
    expect(verifySignature(other, INPUT, signature)).toBe(false);
  });

  it('is no other algorithm with the same key', () => {
    const others = SIGNING_ALGORITHMS.filter((other) => other !== alg && kindOf(other) === kindOf(alg));
    for (const other of others.filter((each) => !each.startsWith('Ed'))) {
      const imported = importPublicKey(other, { ...key.jwk });
      expect([other, verifySignature(imported, INPUT, signature)]).toEqual([other, false]);
    }
  });
});

it.each(['none', 'HS256', 'RS1', 'ES256K', 'rs256', '', 'toString', '__proto__'])('%j has no keys', (alg) => {
  for (const { jwk } of KEYS.values()) {
    expect(isKindFor(alg, { ...jwk })).toBe(false);
    expect(() => importPublicKey(alg, { ...jwk })).toThrow('a key of another type');
  }
  expect(isKindFor(alg, {})).toBe(false);
});

it('what an RSA key says of a curve does not matter', () => {
  const { jwk } = keyFor('RS256');
  expect(isKindFor('RS256', { ...jwk, crv: 'P-256' })).toBe(true);
  expect(() => importPublicKey('RS256', { ...jwk, crv: 'P-256' })).not.toThrow();
});

it('a key with a secret member is not public, whatever the member says', () => {
  const { jwk } = makeKey();
  expect(isPublicKey({ ...jwk })).toBe(true);
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])
    expect([member, isPublicKey({ ...jwk, [member]: undefined })]).toEqual([member, false]);
});
