/** Keeps the principal of a call, for parameter decorators and for what comes after the guard. The only place that writes to the request. */
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
  /** What `loadUser` made of the claims; without it there is none, and the claims are the user. */
  readonly user?: unknown;
}

/** A symbol: no parameter, header or body can bring a property of this name. Registered: two copies of this package agree. */
const PRINCIPAL = Symbol.for('nestjs-resource-server:principal');

/** Where Nest's `@nestjs/authorization` looks for a function that knows the user of a call. */
const USER_OF = Symbol.for('nestjs.authentication.userOf');

/** The principals of the operations that come over one connection. */
const OPERATIONS = Symbol('nestjs-resource-server:operations');

interface Carrier {
  [PRINCIPAL]?: Principal | undefined;
  [OPERATIONS]?: WeakMap<object, Principal>;
  [USER_OF]?: typeof userOf;
  [property: string]: unknown;
}

/**
 * @param carrier the request, or the connection
 * @param userProperty the property that holds the user for other libraries; `false`: none
 * @param operation of several that come over one connection
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

/** A connection is no call: what a public message calls finds nobody on it, whoever it belongs to. */
export function detachPrincipal(carrier: object, userProperty: string | false): void {
  const holder = carrier as Carrier;
  holder[PRINCIPAL] = undefined;
  if (userProperty !== false && userProperty in holder) holder[userProperty] = undefined;
}

/** Says that the guard has seen a call: {@link userOf} then answers for it, also where nobody is signed in. */
export function markAsGuarded(carrier: object): void {
  (carrier as Carrier)[USER_OF] = userOf;
}

/** `undefined` where no token was looked at: public routes, optional ones without a token, guards replaced in tests. */
export function principalOf(carrier: object): Principal | undefined {
  return (carrier as Carrier)[PRINCIPAL];
}

/** What the guard kept for a call of this kind; see lib/transport. */
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

/** The principal of this very call: none on a public handler, whatever else came the same way. */
export function principalIn(context: ExecutionContext): Principal | undefined {
  const principal = keptFor(context);
  if (!principal) return undefined;
  return readRoutePolicy(context.getClass(), context.getHandler()).access === 'public'
    ? undefined
    : principal;
}

/** What `loadUser` made of the claims, else the claims. */
export function userIn(principal: Principal): unknown {
  return principal.user ?? principal.claims;
}

/** The user of a call; `null` for an anonymous one. */
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

/** The principal of a request, a connection or an `ExecutionContext`, whatever an application has at hand. */
export function principalBehind(request: object): Principal | undefined {
  return isExecutionContext(request) ? principalIn(request) : principalOf(request);
}

function isExecutionContext(value: object): value is ExecutionContext {
  return 'getHandler' in value && 'switchToHttp' in value;
}
