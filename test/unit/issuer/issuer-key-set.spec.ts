/** The keys that a token is tried against. */
import { IssuerKeySet } from '../../../lib/issuer/issuer-key-set.js';
import { readKeySet } from '../../../lib/jose/verification-key.js';
import { makeKey } from '../../support/tokens.js';

const EC = makeKey('ES256').jwk;
const RSA = makeKey('RS256').jwk;
const keySet = (...jwks: readonly object[]): IssuerKeySet =>
  new IssuerKeySet(
    'https://issuer.example',
    readKeySet(jwks, () => undefined),
  );
const kids = ({ keys }: ReturnType<IssuerKeySet['candidatesFor']>): unknown[] => keys.map(({ kid }) => kid);

describe('IssuerKeySet', () => {
  const set = keySet(
    { ...EC, kid: 'a' },
    { ...RSA, kid: 'a' },
    { ...EC, kid: 'b' },
    { ...EC, kid: undefined },
    { ...EC, kid: 'enc', use: 'enc' },
  );

  it('takes the keys of the name that fit the algorithm', () => {
    expect(set.candidatesFor('ES256', 'a')).toMatchObject({ isNamed: true, keys: [{ kid: 'a' }] });
    expect(kids(set.candidatesFor('RS256', 'a'))).toEqual(['a']);
  });

  it('takes those without a name where no key of the name fits, and says whether the name is there', () => {
    expect(kids(set.candidatesFor('ES256', 'enc'))).toEqual([undefined]);
    expect(set.candidatesFor('ES256', 'enc').isNamed).toBe(true);
    expect(kids(set.candidatesFor('ES256', 'unknown'))).toEqual([undefined]);
    expect(set.candidatesFor('ES256', 'unknown').isNamed).toBe(false);
    expect(set.candidatesFor('ES384', 'unknown')).toEqual({ keys: [], isNamed: false });
  });

  it('takes all that fit for a token without a name, eight at the most', () => {
    expect(kids(set.candidatesFor('ES256', undefined))).toEqual(['a', 'b', undefined]);
    const many = keySet(...Array.from({ length: 20 }, (_, i) => ({ ...EC, kid: `key ${i}` })));
    expect(many.candidatesFor('ES256', undefined).keys).toHaveLength(8);
    expect(many.candidatesFor('ES256', 'key 19').keys).toHaveLength(1);
  });

  it('remembers the candidates of its own names, and of all invented ones together', () => {
    expect(set.candidatesFor('ES256', 'b')).toBe(set.candidatesFor('ES256', 'b'));
    expect(set.candidatesFor('ES256', 'invented')).toBe(set.candidatesFor('ES256', 'unknown'));
    expect(set.candidatesFor('ES256', 'any')).toBe(set.candidatesFor('ES256', 'unknown'));
    expect(set.candidatesFor('ES256', '__proto__')).toBe(set.candidatesFor('ES256', 'unknown'));
  });
});
