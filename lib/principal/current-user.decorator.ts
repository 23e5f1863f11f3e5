import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { principalIn, userIn } from './authenticated-request.js';

/**
 * Injects the caller into a handler: the result of the option `loadUser`, otherwise the claims.
 *
 * `undefined` if no token was read: `@Public()`, or `@OptionalAuth()` without a token.
 *
 * @example
 * ```ts
 * @Get('me') me(@CurrentUser() user: User): User { return user; }
 * ```
 */
export const CurrentUser: () => ParameterDecorator = createParamDecorator(
  (_: unknown, context: ExecutionContext): unknown => {
    const principal = principalIn(context);
    return principal && userIn(principal);
  },
);
