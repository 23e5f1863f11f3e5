/** Selects the cached tokens that a call of `forget` removes. */
import { isJwt } from '../jose/decode-jwt.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';

/** The selectors other than `token`, each with the claim that it is compared with. */
export const FORGETTABLE = { sub: 'sub', sid: 'sid', jti: 'jti', clientId: 'client_id' } as const;

/** Exactly one of `token`, `sub`, `sid`, `jti` and `clientId`. */
export type ForgetSelector = Readonly<Partial<Record<'token' | keyof typeof FORGETTABLE, string>>>;

export type TokenPicker = (token: string, claims: AccessTokenClaims) => boolean;

/** @throws {TypeError} unless the selector is exactly one non-empty string under a known name */
export function pickerOf(selector: ForgetSelector): TokenPicker {
  const [[kind, value] = ['', ''], ...more] = Object.entries(selector);
  const isKnown = kind === 'token' || Object.hasOwn(FORGETTABLE, kind);
  if (!isKnown || more.length > 0 || typeof value !== 'string' || value === '') {
    throw new TypeError('forget() takes one of token, sub, sid, jti and clientId, as a string');
  }
  if (kind === 'token') {
    const spelling = spellingOf(value);
    return (token) => spellingOf(token) === spelling;
  }
  const claim = FORGETTABLE[kind as keyof typeof FORGETTABLE];
  return (_token, claims) => claims[claim] === value;
}

/**
 * Returns a normalized form that all spellings of a token share, as far as providers are known to accept several: a JWT
 * without its signature, any other token without padding, and without spare bits, case and alphabet of base64.
 *
 * Different tokens may share this form. They are removed too, and introspected again.
 */
export function spellingOf(token: string): string {
  return withoutEnd(token).toLowerCase().replaceAll('-', '+').replaceAll('_', '/');
}

function withoutEnd(token: string): string {
  if (isJwt(token)) return token.slice(0, token.lastIndexOf('.'));
  let end = token.length;
  while (token[end - 1] === '=') end--;
  return token.slice(0, Math.max(0, end - 1));
}
