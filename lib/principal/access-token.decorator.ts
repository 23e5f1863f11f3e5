import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { principalIn } from './authenticated-request.js';

/**
 * The raw access token, for forwarding it to another API from server code. A credential: do not log it, store it, or
 * answer with it; and forward it only to an API that the token's audience names.
 *
 * `undefined` where no token was looked at.
 */
export const AccessToken: () => ParameterDecorator = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined => principalIn(context)?.token,
);
