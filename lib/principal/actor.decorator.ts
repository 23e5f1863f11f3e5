import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { isObject } from '../jose/strict-json.js';
import { principalIn } from './authenticated-request.js';

/** Who acts for the subject of the token (RFC 8693 section 4.1). */
export interface Actor {
  readonly sub?: string;
  readonly iss?: string;
  /** The actor before this one: for the record, not for decisions (RFC 8693 section 4.1). */
  readonly act?: Actor;
  readonly [claim: string]: unknown;
}

/**
 * The claim `act` of a delegated token, injected into a handler: the current actor, who acts on behalf of `sub`.
 *
 * `undefined` for a token without one, and where no token was looked at.
 */
export const Actor: () => ParameterDecorator = createParamDecorator(
  (_: unknown, context: ExecutionContext): Actor | undefined => {
    const act = principalIn(context)?.claims['act'];
    return isObject(act) ? act : undefined;
  },
);
