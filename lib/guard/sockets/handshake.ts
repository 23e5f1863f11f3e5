/** A handshake as the guard sees it: an execution context of its own, which Nest has none for. */
import type { ContextType, ExecutionContext, Type } from '@nestjs/common';
import { readRoutePolicy, type RoutePolicy } from '../../policy/route-policy.js';
import type { Place } from './places.js';

type Handler = ReturnType<ExecutionContext['getHandler']>;
type WsHost = ReturnType<ExecutionContext['switchToWs']>;

/** Of a client that asks to connect. */
export class HandshakeContext implements ExecutionContext {
  readonly #client: object;

  /** @param client the client, or what stands for it until there is one; it carries the handshake */
  constructor(
    readonly place: Place,
    client: object,
  ) {
    this.#client = client;
  }

  getType<TContext extends string = ContextType>(): TContext {
    return 'ws' as TContext;
  }

  getClass<T = unknown>(): Type<T> {
    return this.place.metatype as unknown as Type<T>;
  }

  getHandler(): Handler {
    const declared = (this.place.metatype.prototype as Record<string, unknown>)['handleConnection'];
    return typeof declared === 'function' ? (declared as Handler) : handleConnection;
  }

  getArgs<T extends unknown[] = unknown[]>(): T {
    return [this.#client] as unknown[] as T;
  }

  getArgByIndex<T = unknown>(index: number): T {
    return this.getArgs()[index] as T;
  }

  switchToWs(): WsHost {
    return {
      getClient: <T>() => this.#client as T,
      getData: <T>() => undefined as T,
      getPattern: () => 'connection',
    };
  }

  switchToHttp(): never {
    throw new TypeError('a WebSocket handshake is no HTTP call: use switchToWs()');
  }

  switchToRpc(): never {
    throw new TypeError('a WebSocket handshake is no message: use switchToWs()');
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
