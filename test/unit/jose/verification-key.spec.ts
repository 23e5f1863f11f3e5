/** A key set as providers write it: nulls, other orders, members that nobody can use. */
import { readKeySet, type VerificationKey } from '../../../lib/jose/verification-key.js';
import { makeKey, signatureOf } from '../../support/tokens.js';

const KEY = makeKey('ES256', 'the-key');
const INPUT = 'header.payload';
const SIGNATURE = signatureOf(KEY, INPUT);

const read = (jwks: readonly unknown[], held?: readonly VerificationKey[]): readonly VerificationKey[] =>
  readKeySet(jwks, () => undefined, held);
const verifies = (jwk: unknown): boolean => {
  const [key] = read([jwk]);
  return key !== undefined && key.fits('ES256') && key.verifies('ES256', INPUT, SIGNATURE);
};

describe('readKeySet', () => {
  it.each(['use', 'alg', 'key_ops', 'kid', 'd', 'oth', 'k', 'p', 'priv', 'n', 'x5c'])(
    'takes a key with %s: null for one without it',
    (member) => {
      expect(verifies({ ...KEY.jwk, [member]: null })).toBe(true);
      expect(read([{ ...KEY.jwk, kid: null }])[0]?.kid).toBeUndefined();
    },
  );

  it.each(['kty', 'crv', 'x', 'y'])('takes no key with %s: null', (member) => {
    expect(verifies({ ...KEY.jwk, [member]: null })).toBe(false);
  });

  it.each([
    ['use', ''],
    ['alg', ''],
    ['key_ops', {}],
    ['d', ''],
    ['d', false],
    ['oth', []],
  ])('takes no key with %s: %j: that is not null', (member, value) => {
    expect(verifies({ ...KEY.jwk, [member]: value })).toBe(false);
  });

  it('takes a key for the one it holds, whatever the order of its members and of the keys', () => {
    const other = makeKey('RS256').jwk;
    const held = read([KEY.jwk, other]);
    const turned = Object.fromEntries(Object.entries(KEY.jwk).toReversed());
    const again = read([other, { ...turned, d: null }], held);
    expect(again[0]).toBe(held[1]);
    expect(again[1]).toBe(held[0]);
    expect(read([{ ...KEY.jwk, kid: 'renamed' }], held)[0]).not.toBe(held[0]);
  });

  it('leaves out what is no object, or nested too deep to be read', () => {
    const deep = JSON.parse(`{"kty":"EC","x5c":${'['.repeat(200_000)}${']'.repeat(200_000)}}`) as unknown;
    expect(read([null, 7, 'key', [], deep, KEY.jwk])).toHaveLength(1);
  });
});

describe('a key of a set', () => {
  const [ED, RSA] = [makeKey('EdDSA', 'ed'), makeKey('RS256', 'rsa')];
  const fits = (jwk: object, alg: string): boolean | undefined => read([jwk])[0]?.fits(alg);

  it('has the name that the issuer gave it', () => {
    expect(read([KEY.jwk])[0]?.kid).toBe('the-key');
  });

  it.each<[key_ops: unknown, may: boolean]>([
    [['verify'], true],
    [['sign', 'verify'], true],
    [['sign'], false],
    [[], false],
    ['verify', false],
  ])('with key_ops %j may verify: %p', (key_ops, may) => {
    expect(verifies({ ...KEY.jwk, key_ops })).toBe(may);
  });

  it.each<[use: unknown, may: boolean]>([
    ['sig', true],
    [undefined, true],
    ['enc', false],
    [['sig'], false],
  ])('with use %j may verify: %p', (use, may) => {
    expect(verifies({ ...KEY.jwk, use })).toBe(may);
  });

  it('is for the one algorithm that it names; EdDSA and Ed25519 are one', () => {
    for (const named of ['EdDSA', 'Ed25519', undefined])
      for (const alg of ['EdDSA', 'Ed25519']) expect(fits({ ...ED.jwk, alg: named }, alg)).toBe(true);
    expect(fits({ ...ED.jwk, alg: 'ES256' }, 'EdDSA')).toBe(false);
    expect(fits({ ...KEY.jwk, alg: 'EdDSA' }, 'ES256')).toBe(false);
    expect([fits(RSA.jwk, 'RS256'), fits(RSA.jwk, 'PS256'), fits(RSA.jwk, 'RS512')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(fits({ ...RSA.jwk, alg: undefined }, 'PS256')).toBe(true);
  });

  it.each([
    ['publishes its private part', { ...KEY.jwk, d: 'AQ' }, 'the key set publishes its private part'],
    ['is too large', { ...KEY.jwk, x: 'A'.repeat(43).replace('A', 'B') + 'AA' }, 'a coordinate of 33 octets'],
    ['has no coordinate', { ...KEY.jwk, y: undefined }, 'y is not a string'],
  ])('that %s verifies nothing, and that is said once', (_, jwk, reason) => {
    const said: unknown[] = [];
    const [key] = readKeySet([jwk], (...args) => said.push(args));
    for (let i = 0; i < 3; i++) expect(key?.verifies('ES256', INPUT, SIGNATURE)).toBe(false);
    expect(said).toEqual([['the-key', reason]]);
  });

  it('that is not on its curve verifies nothing, and that is said', () => {
    const said: unknown[] = [];
    const [key] = readKeySet([{ ...KEY.jwk, y: KEY.jwk.x }], (kid, reason) =>
      said.push([kid, typeof reason]),
    );
    expect(key?.verifies('ES256', INPUT, SIGNATURE)).toBe(false);
    expect(said).toEqual([['the-key', 'string']]);
  });
});
