/** What it costs to refuse claims that nobody has vouched for. */
import { TokenError } from '../../../lib/errors/auth.errors.js';
import { checkClaims, checkIssuer } from '../../../lib/token/check-claims.js';

const OPTIONS = { audience: 'https://api.example.com', clockSkew: 0, clockTolerance: 300 };
const GOOD = { exp: Math.floor(Date.now() / 1000) + 600, aud: OPTIONS.audience };

/** Tells whether it was put into words. */
function watched(): { readonly value: object; readonly isRead: () => boolean } {
  let read = false;
  const value = new Proxy(
    {},
    {
      ownKeys: () => {
        read = true;
        return [];
      },
    },
  );
  return { value, isRead: () => read };
}

function refusalOf(check: () => void): TokenError {
  try {
    check();
  } catch (error) {
    if (error instanceof TokenError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

it.each<[string, (value: object) => void]>([
  ['exp', (exp) => checkClaims({ ...GOOD, exp }, OPTIONS)],
  ['nbf', (nbf) => checkClaims({ ...GOOD, nbf }, OPTIONS)],
  ['iat', (iat) => checkClaims({ ...GOOD, iat }, OPTIONS)],
  ['iss', (iss) => checkIssuer(iss, 'https://issuer.example')],
])('%s is put into words when the reason is read', (name, check) => {
  const { value, isRead } = watched();
  const refusal = refusalOf(() => check(value));
  expect(isRead()).toBe(false);
  expect(refusal.detail).toContain(`${name} is {}`);
  expect(isRead()).toBe(true);
});

it.each([1, 256])('accepts this API as the last of %i audiences', (count) => {
  const aud = [...Array.from({ length: count - 1 }, (_, i) => `https://${i}.example`), OPTIONS.audience];
  expect(() => checkClaims({ ...GOOD, aud }, OPTIONS)).not.toThrow();
});

it('looks at no member of a list of too many audiences', () => {
  const aud = Array.from({ length: 257 }, () => OPTIONS.audience);
  Object.defineProperty(aud, 0, {
    get: () => {
      throw new Error('looked at');
    },
  });
  const refusal = refusalOf(() => checkClaims({ ...GOOD, aud }, OPTIONS));
  expect([refusal.reason, refusal.detail]).toEqual(['audience', 'aud names 257 audiences, more than 256']);
});
