import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { principalIn, userIn } from './authenticated-request.js';

/**
 * The caller, injected into a handler: what the option `loadUser` made of the claims, else the claims themselves.
 *
 * `undefined` where no token was looked at: `@Public()`, or `@OptionalAuth()` without a token.
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
