import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { principalIn } from './authenticated-request.js';

/**
 * Injects the raw access token into a handler. It is a credential: do not log, store or return it.
 *
 * Do not send it to another API, because its audience is this API. `OnBehalfOf` exchanges it for a token of the other API
 * (RFC 8693); see [Calling other APIs](../../docs/calling-apis.md).
 *
 * `undefined` if no token was read.
 *
 * @example
 * ```ts
 * @Post('reports') start(@AccessToken() token: string) {}
 * ```
 */
export const AccessToken: () => ParameterDecorator = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined => principalIn(context)?.token,
);
