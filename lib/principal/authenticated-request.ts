/** Keeps the principal of a call. The only place that writes to the request. */
import type { ExecutionContext } from '@nestjs/common';
import type { AccessTokenClaims } from '../token/access-token-claims.js';

export interface Principal {
  readonly claims: AccessTokenClaims;
  readonly token: string;
}

/** A symbol: no parameter, header or body can bring a property of this name. Registered: two copies of this package agree. */
const PRINCIPAL = Symbol.for('nestjs-resource-server:principal');

export function attachPrincipal(request: object, principal: Principal): void {
  (request as { [PRINCIPAL]?: Principal })[PRINCIPAL] = principal;
}

/** `undefined` where no token was looked at: public routes, optional ones without a token, guards replaced in tests. */
export function principalOf(request: object): Principal | undefined {
  return (request as { [PRINCIPAL]?: Principal })[PRINCIPAL];
}

/** The principal of the call that a parameter decorator is asked for. */
export function principalIn(context: ExecutionContext): Principal | undefined {
  if (context.getType<string>() !== 'http') return undefined;
  return principalOf(context.switchToHttp().getRequest<object>());
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
