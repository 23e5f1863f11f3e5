/** Stores the principal of a call on the request or connection, for parameter decorators and for code that follows the guard. */
import type { ExecutionContext } from '@nestjs/common';
import { readGraphQLCall } from '../credentials/graphql-call.js';
import { readMessageCall } from '../credentials/message-call.js';
import { handshakeOf } from '../credentials/socket-handshake.js';
import { messageIn, SocketMessage } from '../credentials/socket-message.js';
import { readRoutePolicy } from '../policy/route-policy.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';

export interface Principal {
  readonly claims: AccessTokenClaims;
  readonly token: string;
  /** The result of `loadUser`. Without `loadUser` there is none, and the claims are the user. */
  readonly user?: unknown;
}

/** A symbol, so that no parameter, header or body can set it; registered, so that two copies of this package share it. */
const PRINCIPAL = Symbol.for('nestjs-resource-server:principal');

/** The property in which Nest's `@nestjs/authorization` looks for a function that returns the user of a call. */
const USER_OF = Symbol.for('nestjs.authentication.userOf');

/** The principals of the operations on one connection. */
const OPERATIONS = Symbol('nestjs-resource-server:operations');

interface Carrier {
  [PRINCIPAL]?: Principal | undefined;
  [OPERATIONS]?: WeakMap<object, Principal>;
  [USER_OF]?: typeof userOf;
  [property: string]: unknown;
}

/**
 * Stores the principal of a call.
 *
 * @param carrier the request, or the connection
 * @param userProperty the property that holds the user for other libraries; `false`: none
 * @param operation one of several operations on a connection
 */
export function attachPrincipal(
  carrier: object,
  principal: Principal,
  userProperty: string | false,
  operation = carrier,
): void {
  const holder = carrier as Carrier;
  holder[PRINCIPAL] = principal;
  if (userProperty !== false) holder[userProperty] = userIn(principal);
  if (operation instanceof SocketMessage) (operation as Carrier)[PRINCIPAL] = principal;
  else if (operation !== carrier) (holder[OPERATIONS] ??= new WeakMap()).set(operation, principal);
}

/** Removes the principal of a connection, so that the handler of a public message does not get it. */
export function detachPrincipal(carrier: object, userProperty: string | false): void {
  const holder = carrier as Carrier;
  holder[PRINCIPAL] = undefined;
  if (userProperty !== false && userProperty in holder) holder[userProperty] = undefined;
}

/** Marks a call as seen by the guard: {@link userOf} then returns its user, or `null` for an anonymous call. */
export function markAsGuarded(carrier: object): void {
  (carrier as Carrier)[USER_OF] = userOf;
}

/** Returns `undefined` if no token was read: on public routes, on optional ones without a token, for guards replaced in tests. */
export function principalOf(carrier: object): Principal | undefined {
  return (carrier as Carrier)[PRINCIPAL];
}

/** Returns the principal that the guard stored for a call of this kind; see lib/transport. */
function keptFor(context: ExecutionContext): Principal | undefined {
  switch (context.getType<string>()) {
    case 'http':
      return principalOf(context.switchToHttp().getRequest<object>());
    case 'graphql': {
      const call = readGraphQLCall(context.getArgs());
      if (!call?.source) return undefined;
      const { carrier, connection } = call.source;
      return connection ? (carrier as Carrier)[OPERATIONS]?.get(call.operation) : principalOf(carrier);
    }
    case 'rpc': {
      const call = readMessageCall(context.getArgs());
      return call && principalOf(call.carrier);
    }
    case 'ws': {
      const args = context.getArgs<unknown[]>();
      const [client] = args;
      if (!handshakeOf(client)) return undefined;
      return principalOf(messageIn(args) ?? (client as object));
    }
    default:
      return undefined;
  }
}

/** Returns the principal of this call: none for a public handler, even if another call on the same carrier has one. */
export function principalIn(context: ExecutionContext): Principal | undefined {
  const principal = keptFor(context);
  if (!principal) return undefined;
  return readRoutePolicy(context.getClass(), context.getHandler()).access === 'public'
    ? undefined
    : principal;
}

/** Returns the result of `loadUser`, or else the claims. */
export function userIn(principal: Principal): unknown {
  return principal.user ?? principal.claims;
}

/** Returns the user of a call; `null` for an anonymous one. */
function userOf(context: ExecutionContext): unknown {
  const principal = principalIn(context);
  return principal ? userIn(principal) : null;
}

/**
 * Returns the validated claims of a request, for code without parameter decorators: interceptors, other guards, filters.
 *
 * @param request the request of Express or Fastify, as returned by `context.switchToHttp().getRequest()`; in GraphQL `context.req`;
 *   in a gateway the client, also in `handleConnection` and `handleDisconnect`; in a message handler of a microservice the `@Ctx()`,
 *   in gRPC the metadata; or an `ExecutionContext`
 * @returns the claims; `undefined` if no token was read
 *
 * @example
 * ```ts
 * const sub = claimsOf(context.switchToHttp().getRequest())?.sub;
 * ```
 */
export function claimsOf(request: object): AccessTokenClaims | undefined {
  return principalBehind(request)?.claims;
}

/** Returns the principal of a request, a connection or an `ExecutionContext`. */
export function principalBehind(request: object): Principal | undefined {
  return isExecutionContext(request) ? principalIn(request) : principalOf(request);
}

function isExecutionContext(value: object): value is ExecutionContext {
  return 'getHandler' in value && 'switchToHttp' in value;
}
