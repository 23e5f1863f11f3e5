import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { principalIn } from './authenticated-request.js';

/**
 * The raw access token, for server code. A credential: do not log it, store it, or answer with it.
 *
 * Do not send it to another API: it is meant for this one. `OnBehalfOf` exchanges it for a token of the other API (RFC 8693);
 * see [Calling other APIs](../../docs/calling-apis.md).
 *
 * `undefined` where no token was looked at.
 */
export const AccessToken: () => ParameterDecorator = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined => principalIn(context)?.token,
);
