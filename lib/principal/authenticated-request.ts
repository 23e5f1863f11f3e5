/** What does the handler see? The one place that knows whose request it is. */
import type { AccessTokenClaims } from '../token/access-token-claims.js';

export interface Principal {
  readonly claims: AccessTokenClaims;
  readonly token: string;
}

/** Registered: two copies of this package (one in CommonJS, say) agree. */
const PRINCIPALS = Symbol.for('nestjs-resource-server:principals');

/**
 * Beside the requests, not on them: no parameter, header or body can bring a property of any name, and a property more
 * makes every later access to a Fastify request slow (some ten microseconds a request).
 */
const principals = ((globalThis as { [PRINCIPALS]?: WeakMap<object, Principal> })[PRINCIPALS] ??=
  new WeakMap());

export function attachPrincipal(request: object, principal: Principal): void {
  principals.set(request, principal);
}

/** `undefined` where no token was looked at: public routes, optional ones without a token, guards replaced in tests. */
export function principalOf(request: object): Principal | undefined {
  return principals.get(request);
}

/**
 * The validated claims of a request, where no parameter can be decorated: in an interceptor, a later guard, a log line.
 *
 * @param request Express's or Fastify's, as `context.switchToHttp().getRequest()` has it
 * @returns `undefined` where no token was looked at
 */
export function claimsOf(request: object): AccessTokenClaims | undefined {
  return principalOf(request)?.claims;
}
