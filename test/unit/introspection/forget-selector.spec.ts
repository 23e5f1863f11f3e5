/** What a selector picks: one kind, and every spelling of a token. */
import { pickerOf, spellingOf, type ForgetSelector } from '../../../lib/introspection/forget-selector.js';

const CLAIMS = { iss: 'i', sub: 'ann', aud: 'a', exp: 1, iat: 1, sid: 's-1', jti: 'j-1', client_id: 'shop' };

const picks = (selector: ForgetSelector, token = 'a-token'): boolean => pickerOf(selector)(token, CLAIMS);

it.each<[ForgetSelector, ForgetSelector]>([
  [{ sub: 'ann' }, { sub: 'bob' }],
  [{ sid: 's-1' }, { sid: 'S-1' }],
  [{ jti: 'j-1' }, { jti: 'j' }],
  [{ clientId: 'shop' }, { clientId: 'ann' }],
  [{ token: 'a-token' }, { token: 'another' }],
])('%j is picked, %j is not', (selector, other) => {
  expect([picks(selector), picks(other)]).toEqual([true, false]);
});

it.each<[unknown]>([
  [{}],
  [{ sub: '' }],
  [{ sub: 'a', jti: 'b' }],
  [{ email: 'a' }],
  [{ sub: 7 }],
  [{ toString: 'a' }],
])('%j is refused', (selector) => {
  expect(() => pickerOf(selector as ForgetSelector)).toThrow(TypeError);
});

describe('spellings of one token', () => {
  const token = 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zg';

  it.each([
    ['with padding', `${token}==`],
    ['with spare bits', `${token.slice(0, -1)}h`],
    ['in another case', token.toUpperCase()],
  ])('%s', (_, other) => {
    expect(spellingOf(other)).toBe(spellingOf(token));
    expect(picks({ token }, other)).toBe(true);
  });

  it('in the other alphabet', () => {
    expect(spellingOf('a-b_c-d')).toBe(spellingOf('a+b/c+d'));
  });

  it('of a JWT with another signature', () => {
    expect(spellingOf('e30.e30.AAAA')).toBe(spellingOf('e30.e30.BBBBBBBB'));
    expect(spellingOf('e30.e30.AAAA')).not.toBe(spellingOf('e30.e31.AAAA'));
  });

  it('are not those of another', () => {
    expect(spellingOf(`${token}xyz`)).not.toBe(spellingOf(token));
    expect(spellingOf(`x${token}`)).not.toBe(spellingOf(token));
  });
});
