/** What can be requested, and what is one request. */
import * as fc from 'fast-check';
import { checkTarget, keyOf, type TokenTarget } from '../../../lib/calling/token-target.js';
import { ConfigurationError } from '../../../lib/errors/auth.errors.js';

describe('checkTarget', () => {
  it.each([
    {},
    { audience: 'products' },
    { audience: 'The Product API' },
    { resource: 'https://products.example.com/v1?a=b' },
    { resource: 'urn:example:products' },
    { scope: 'api://products/.default' },
    { audience: undefined, scope: 'a b', dpop: true },
  ])('accepts %p', (target) => {
    expect(() => checkTarget(target)).not.toThrow();
  });

  it.each([
    undefined,
    null,
    'products',
    { audience: 7 },
    { audience: ['a', 'b'] },
    { audience: 'a\u0000' },
    { resource: '/products' },
    { resource: 'https://products.example.com/#' },
    { scope: ['a'] },
    { scope: ' a' },
    { scope: 'a\tb' },
    { dpop: 'true' },
    { audiences: 'a' },
  ])('refuses %p', (target) => {
    expect(() => checkTarget(target as TokenTarget)).toThrow(ConfigurationError);
  });

  it('quotes no credentials of an address', () => {
    expect(() => checkTarget({ resource: '//user:password@products' })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('password') as string }),
    );
  });
});

describe('keyOf', () => {
  const target = fc.record(
    {
      audience: fc.constantFrom('a', 'b', '["a"]'),
      resource: fc.constantFrom('a:', 'b:'),
      scope: fc.constantFrom('x', 'y', 'x y', 'y x'),
      dpop: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  const plain = ({ audience, resource, scope, dpop }: TokenTarget): string =>
    `${audience}|${resource}|${scope === 'y x' ? 'x y' : scope}|${dpop ?? false}`;

  it('is the same for targets that say the same, and for no others', () => {
    fc.assert(
      fc.property(target, target, (one, other) => {
        expect(JSON.stringify(keyOf(one)) === JSON.stringify(keyOf(other))).toBe(plain(one) === plain(other));
      }),
    );
  });
});
