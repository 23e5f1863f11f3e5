import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { principalOf } from './authenticated-request.js';

/**
 * The validated claims, or with a name one of them, injected into a handler: `@Claims() claims: AccessTokenClaims`,
 * `@Claims('sub') sub: string`, `@Claims('tenant_id', ParseUUIDPipe) tenant: string`.
 *
 * `undefined` where no token was looked at (`@Public()`, or `@OptionalAuth()` without a token), and for a claim that the
 * token does not have. The name is that of the claim itself, never a path.
 */
export const Claims = createParamDecorator(
  (claim: string | undefined, context: ExecutionContext): unknown => {
    const claims = principalOf(context.switchToHttp().getRequest<object>())?.claims;
    if (claim === undefined || claims === undefined) return claims;
    return Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  },
);
