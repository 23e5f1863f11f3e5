/** The transport for messages of WebSocket gateways and for the handshakes of their connections: socket.io and `ws`. */
import type { ArgumentsHost } from '@nestjs/common';
import type { Credentials } from '../credentials/extract-credentials.js';
import type { ResolverOptions } from '../credentials/incoming-request.js';
import {
  handshakeOf,
  resolveSocketCredentials,
  type SocketHandshake,
} from '../credentials/socket-handshake.js';
import { messageIn } from '../credentials/socket-message.js';
import type { Refusal } from '../errors/refusal.js';
import type { Call, Transport } from './transport.js';

/** The error that a rejected client receives. */
export interface SocketRefusal {
  readonly status: 'error';
  readonly statusCode: Refusal['statusCode'];
  readonly message: string;
  readonly errorCode: string;
}

/** The part of `WsException` of `@nestjs/websockets` that is used. */
export type WsExceptionClass = new (error: string | object) => Error & { getError(): string | object };

/** Loaded when the first client connects, because an application without gateways does not have the package. */
let exceptionClass: WsExceptionClass | undefined;
let loading: Promise<void> | undefined;

async function load(): Promise<void> {
  try {
    exceptionClass = (await import('@nestjs/websockets')).WsException as unknown as WsExceptionClass;
  } catch {
    // Without the package, the caller is not Nest, and can read the rejection from this class.
    exceptionClass = UnknownWsException;
  }
}

class UnknownWsException extends Error {
  constructor(private readonly error: string | object) {
    super('refused');
  }

  getError(): string | object {
    return this.error;
  }
}

/** The rejections created by this module. Other code cannot add any. */
const refusals = new WeakSet<object>();

export function isSocketRefusal(value: unknown): value is SocketRefusal {
  return typeof value === 'object' && value !== null && refusals.has(value);
}

export const wsTransport: Transport = {
  kind: 'ws',
  missingRequest:
    'the client did not pass the handshake of AuthModule: gateways are guarded only if Nest creates their server with the adapter of ' +
    'app.useWebSocketAdapter(), which must be called before app.init() and app.listen()',

  prepare: () => (exceptionClass ? undefined : (loading ??= load())),

  callOf(host: ArgumentsHost): Call | undefined {
    const args = host.getArgs<unknown[]>();
    const [client] = args;
    const handshake = handshakeOf(client);
    if (!handshake) return undefined;
    const { request, sender } = handshake;
    const carrier = client as object;
    return { carrier, request, connection: handshake, operation: messageIn(args) ?? carrier, sender };
  },

  credentialsOf: (
    { connection, request }: Call,
    options: ResolverOptions,
  ): Credentials | undefined | Promise<Credentials | undefined> =>
    resolveSocketCredentials(connection as SocketHandshake, request, options),

  /** Sets a header of the response to the upgrade request. Messages have no headers. */
  setHeader(host: ArgumentsHost, name: string, value: string | readonly string[]): void {
    handshakeOf(host.getArgs<unknown[]>()[0])?.answerHeaders?.set(name, value);
  },

  refuse(host: ArgumentsHost, { statusCode, message, errorCode, headers, cause }: Refusal): Error {
    for (const [name, value] of Object.entries(headers)) this.setHeader(host, name, value);
    const refusal: SocketRefusal = Object.freeze({ status: 'error', statusCode, message, errorCode });
    refusals.add(refusal);
    const Exception = exceptionClass ?? UnknownWsException;
    return Object.assign(
      withoutStack(() => new Exception(refusal)),
      { cause },
    );
  },
};

/** Creates a rejection without a stack, which would always be that of the guard. */
function withoutStack<Made>(make: () => Made): Made {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', 0);
  const made = make();
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  return made;
}
