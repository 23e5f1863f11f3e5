/** Loads the application's user for validated claims. */
import type { ExecutionContext } from '@nestjs/common';
import { invalidToken } from '../errors/auth.errors.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import type { Principal } from './authenticated-request.js';

/** Returns the user for the claims, for example from a database. `null` or `undefined`: there is no such user. */
export type LoadUser = {
  load(claims: AccessTokenClaims, call: { readonly context: ExecutionContext }): unknown;
}['load'];

export interface UserOptions {
  /**
   * `(claims, { context }) => user`, or a promise: the value of `request.user` and `@CurrentUser()`, for
   * example a database row. Called once per request, after all checks. `null` or `undefined`: 401; an error:
   * 500.
   *
   * @default the claims
   */
  readonly loadUser?: LoadUser | undefined;
  /**
   * The property of the request that holds the user. `false`: none.
   *
   * @default 'user'
   */
  readonly userProperty: string | false;
}

/**
 * Returns the principal with its user.
 *
 * @throws {TokenError} `invalid_token`, reason `unknown_user`, if `loadUser` returns no user
 */
export async function loadPrincipal(
  { token, claims }: Principal,
  loadUser: LoadUser,
  context: ExecutionContext,
): Promise<Principal> {
  const user = await loadUser(claims, { context });
  if (user === undefined || user === null) throw invalidToken('unknown_user', 'loadUser returned no user');
  return { token, claims, user };
}
