/** Messages of WebSocket gateways, and the handshakes of their connections: socket.io and `ws`. */
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

/** What a refused client is told. */
export interface SocketRefusal {
  readonly status: 'error';
  readonly statusCode: Refusal['statusCode'];
  readonly message: string;
  readonly errorCode: string;
}

/** As much of `@nestjs/websockets`'s class as is used. */
export type WsExceptionClass = new (error: string | object) => Error & { getError(): string | object };

/** Loaded when the first client connects: an application without gateways does not have the package. */
let exceptionClass: WsExceptionClass | undefined;
let loading: Promise<void> | undefined;

async function load(): Promise<void> {
  try {
    exceptionClass = (await import('@nestjs/websockets')).WsException as unknown as WsExceptionClass;
  } catch {
    // No part of Nest has called the guard. Whoever has finds the refusal on the error.
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

/** Refusals of this module, which nobody else can make. */
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

  /** Of the answer to the upgrade request; a message has no headers. */
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

/** The stack of a refusal is always the guard's. */
function withoutStack<Made>(make: () => Made): Made {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', 0);
  const made = make();
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  return made;
}
