/** A handshake as the guard sees it: an execution context of its own, which Nest has none for. */
import type { ExecutionContext } from '@nestjs/common';
import { readRoutePolicy, type RoutePolicy } from '../../policy/route-policy.js';
import type { Place } from './places.js';

type Handler = ReturnType<ExecutionContext['getHandler']>;
type WsHost = ReturnType<ExecutionContext['switchToWs']>;

/** Of a client that asks to connect. */
export class HandshakeContext implements ExecutionContext {
  readonly getType = (() => 'ws') as ExecutionContext['getType'];
  readonly getClass = (() => this.place.metatype) as ExecutionContext['getClass'];
  readonly getArgs = (() => [this.client]) as unknown as ExecutionContext['getArgs'];
  readonly getArgByIndex = ((index: number) =>
    index === 0 ? this.client : undefined) as ExecutionContext['getArgByIndex'];

  /** @param client the client, or what stands for it until there is one; it carries the handshake */
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

/** Stands for the method that a gateway need not have. */
function handleConnection(): void {}

/**
 * What a call requires: its handler and class, or the place that a client connects to.
 *
 * @throws {ConfigurationError} as {@link readRoutePolicy}
 */
export function policyOf(context: ExecutionContext): RoutePolicy {
  return context instanceof HandshakeContext
    ? context.place.policy
    : readRoutePolicy(context.getClass(), context.getHandler());
}
