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
