/** The execution context with which the guard runs for a WebSocket handshake. Nest has none. */
import type { ExecutionContext } from '@nestjs/common';
import { readRoutePolicy, type RoutePolicy } from '../../policy/route-policy.js';
import type { Place } from './places.js';

type Handler = ReturnType<ExecutionContext['getHandler']>;
type WsHost = ReturnType<ExecutionContext['switchToWs']>;

/** The context of a client that requests a connection. */
export class HandshakeContext implements ExecutionContext {
  readonly getType = (() => 'ws') as ExecutionContext['getType'];
  readonly getClass = (() => this.place.metatype) as ExecutionContext['getClass'];
  readonly getArgs = (() => [this.client]) as unknown as ExecutionContext['getArgs'];
  readonly getArgByIndex = ((index: number) =>
    index === 0 ? this.client : undefined) as ExecutionContext['getArgByIndex'];

  /** @param client the client, or a stand-in until it exists; the handshake is attached to it */
  constructor(
    readonly place: Place,
    private readonly client: object,
  ) {}

  getHandler(): Handler {
    const declared = (this.place.metatype.prototype as Record<string, unknown>)['handleConnection'];
    return typeof declared === 'function' ? (declared as Handler) : handleConnection;
  }

  switchToWs(): WsHost {
    return {
      getClient: (() => this.client) as WsHost['getClient'],
      getData: (() => undefined) as WsHost['getData'],
      getPattern: () => 'connection',
    };
  }

  switchToHttp(): never {
    throw new TypeError('a WebSocket handshake is not an HTTP call: use switchToWs()');
  }

  switchToRpc(): never {
    throw new TypeError('a WebSocket handshake is not a message: use switchToWs()');
  }
}

/** Replaces the `handleConnection()` of gateways that have none. */
function handleConnection(): void {}

/**
 * Returns the policy of a call: that of its handler and class, or of the place that a client connects to.
 *
 * @throws {ConfigurationError} as {@link readRoutePolicy}
 */
export function policyOf(context: ExecutionContext): RoutePolicy {
  return context instanceof HandshakeContext
    ? context.place.policy
    : readRoutePolicy(context.getClass(), context.getHandler());
}
