/** What is no scope is refused where the decorator stands. RFC 6749 section 3.3. */
import { readScopeNames } from '../../../lib/access/scope-names.js';
import { AnyScope } from '../../../lib/access/requirements/any-scope.js';
import { Scopes } from '../../../lib/access/requirements/scopes.js';

it.each([Scopes, AnyScope])('%p names what is no scope', (decorator) => {
  const name = `@${decorator.name}`;
  const use = (...scopes: unknown[]): unknown => (decorator as (...args: unknown[]) => unknown)(...scopes);
  expect(() => use()).toThrow(new TypeError(`${name}() needs at least one scope`));
  for (const [wrong, said] of [
    ['a b', '"a b"'],
    ['', '""'],
    [' a', '" a"'],
    ['a"', '"a\\""'],
    ['a\\', '"a\\\\"'],
    ['a\u007f', '"a\u007f"'],
    [7, '7'],
    [['a'], '["a"]'],
    [undefined, 'undefined'],
  ] as const)
    expect(() => use('good', wrong)).toThrow(
      new TypeError(`${name}(): ${said} is not one scope; write ${name}('a', 'b') for two`),
    );
  expect(() => use('!#$%&()*+,-./:;<=>?@[]^_`{|}~', 'urn:a')).not.toThrow();
});

it('names of scopes are kept as they are, and nobody can change them', () => {
  const names = ['read', 'write'];
  const kept = readScopeNames('@Scopes', names);
  names.push('admin');
  expect(kept).toEqual(['read', 'write']);
  expect(Object.isFrozen(kept)).toBe(true);
});
