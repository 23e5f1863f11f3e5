/** What opens a sealed value, and where the secret comes from. */
import { cacheSecretOf, Sealer } from '../../../lib/introspection/sealed-value.js';

describe('Sealer', () => {
  const sealer = new Sealer('a-secret');
  const sealed = sealer.seal('the claims', 'token', 'place');

  it('opens what was sealed with this secret, for this token, at this place', () => {
    expect(sealer.open(sealed, 'token', 'place')).toBe('the claims');
    expect(new Sealer('a-secret').open(sealed, 'token', 'place')).toBe('the claims');
  });

  it.each([
    ['another secret', () => new Sealer('another').open(sealed, 'token', 'place')],
    ['another token', () => sealer.open(sealed, 'other', 'place')],
    ['another place', () => sealer.open(sealed, 'token', 'elsewhere')],
    ['a value cut short', () => sealer.open('v1.AAAA', 'token', 'place')],
    ['another version', () => sealer.open(sealed.replace('v1', 'v2'), 'token', 'place')],
    ['no text', () => sealer.open({ sealed }, 'token', 'place')],
  ])('opens nothing with %s', (_, open) => {
    expect(open()).toBeUndefined();
  });

  it('does not exist without a secret', () => {
    expect(() => new Sealer('')).toThrow(TypeError);
  });

  it('names alike only with the same secret', () => {
    expect(new Sealer('a-secret').nameOf('x')).toBe(sealer.nameOf('x'));
    expect(new Sealer('another').nameOf('x')).not.toBe(sealer.nameOf('x'));
  });
});

it.each<[Parameters<typeof cacheSecretOf>[0], string | undefined]>([
  [{ cacheSecret: 'own', clientSecret: 'client', clientCertificateKey: 'key' }, 'own'],
  [{ clientSecret: 'client', clientCertificateKey: 'key' }, 'client'],
  [{ clientSecret: { kty: 'EC', d: 'private' } }, 'private'],
  [{ clientCertificateKey: 'key' }, 'key'],
  [{}, undefined],
])('the secret of %j is %s', (options, secret) => {
  expect(cacheSecretOf(options)).toBe(secret);
});
