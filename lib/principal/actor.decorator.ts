import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { isObject } from '../jose/strict-json.js';
import { principalIn } from './authenticated-request.js';

/** The party that acts for the subject of the token (RFC 8693 section 4.1). */
export interface Actor {
  readonly sub?: string;
  readonly iss?: string;
  /** The previous actor. Informational: do not use it for decisions (RFC 8693 section 4.1). */
  readonly act?: Actor;
  readonly [claim: string]: unknown;
}

/**
 * Injects the claim `act` of a delegated token into a handler: the current actor, who acts on behalf of `sub` (RFC 8693 section 4.1).
 *
 * `undefined` if the token has none, or if no token was read.
 *
 * @example
 * ```ts
 * @Post('orders') create(@Claims('sub') sub: string, @Actor() actor?: Actor) {}
 * ```
 */
export const Actor: () => ParameterDecorator = createParamDecorator(
  (_: unknown, context: ExecutionContext): Actor | undefined => {
    const act = principalIn(context)?.claims['act'];
    return isObject(act) ? act : undefined;
  },
);
