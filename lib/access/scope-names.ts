/** Defines and checks the names of scopes in decorators. */

/**
 * The scopes of the application. It is empty, so that any string is accepted. If an application declares its scopes, other names in
 * `@Scopes()` and `@AnyScope()` are compile-time errors.
 *
 * ```ts
 * declare module 'nestjs-resource-server' {
 *   interface KnownScopes {
 *     'read:orders': true;
 *     'write:orders': true;
 *   }
 * }
 * ```
 *
 * This is only a type: whether the issuer grants these scopes is not checked.
 */
export interface KnownScopes {}

/** A scope that decorators accept: those of {@link KnownScopes}, or any string if it is empty. */
export type ScopeName = [keyof KnownScopes] extends [never] ? string : Extract<keyof KnownScopes, string>;

/** RFC 6749 section 3.3: scope-token. RFC 6750 section 3 allows the same characters in a challenge. */
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

/** @throws {TypeError} without a scope, or for one with a space, a quote or another character that a challenge cannot contain */
export function readScopeNames(decorator: string, scopes: readonly unknown[]): readonly string[] {
  if (scopes.length === 0) throw new TypeError(`${decorator}() needs at least one scope`);
  const wrong = scopes.find((scope) => !isScopeName(scope));
  if (wrong !== undefined || scopes.includes(undefined)) {
    throw new TypeError(
      `${decorator}(): ${JSON.stringify(wrong)} is not one scope; write ${decorator}('a', 'b') for two`,
    );
  }
  return Object.freeze([...(scopes as readonly string[])]);
}

export function isScopeName(value: unknown): value is string {
  return typeof value === 'string' && SCOPE_TOKEN.test(value);
}
