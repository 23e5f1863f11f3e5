/** The transport for messages of `@nestjs/microservices`: TCP, Redis, NATS, RabbitMQ, Kafka, MQTT, gRPC, custom transports. */
import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import type { IncomingRequest } from '../credentials/incoming-request.js';
import { peerCertificateOf, readMessageCall, type GrpcMetadata } from '../credentials/message-call.js';
import { resolveMessageCredentials, type MessageOptions } from '../credentials/message-token.js';
import type { Refusal } from '../errors/refusal.js';
import { loadRpcException, rpcExceptionFor } from './rpc-exception.js';
import type { Call, Transport } from './transport.js';

/** gRPC status codes: UNAUTHENTICATED, PERMISSION_DENIED, INTERNAL, UNAVAILABLE. */
const GRPC_CODES = { 400: 16, 401: 16, 403: 7, 500: 13, 503: 14 } as const;

/** The error that the sender of a rejected message receives. */
export interface RpcError {
  readonly statusCode: Refusal['statusCode'];
  readonly message: string;
  readonly errorCode: string;
  /** gRPC only. */
  readonly code?: (typeof GRPC_CODES)[keyof typeof GRPC_CODES];
  /** gRPC only: trailers. */
  readonly metadata?: GrpcMetadata;
}

const NO_REQUEST: IncomingRequest = { headers: {} };

/** The exceptions created here, with the error that the sender receives. */
const refused = new WeakMap<object, RpcError>();

/** Returns `undefined` for an exception that is not a rejection by this module. */
export function rpcErrorOf(exception: unknown): RpcError | undefined {
  return typeof exception === 'object' && exception !== null ? refused.get(exception) : undefined;
}

export const rpcTransport: Transport = {
  kind: 'rpc',
  missingRequest:
    'the transport passes no context to the handler: let its strategy call handlers with the payload and a new object ' +
    'for each message',

  prepare: loadRpcException,

  callOf(host: ArgumentsHost): Call | undefined {
    const call = readMessageCall(host.getArgs());
    if (!call) return undefined;
    const { carrier } = call;
    const message = { certificate: () => peerCertificateOf(call) };
    return { carrier, request: NO_REQUEST, connection: undefined, operation: carrier, message };
  },

  credentialsOf(_call: Call, options: MessageOptions, context: ExecutionContext) {
    const call = readMessageCall(context.getArgs());
    return call && resolveMessageCredentials(call, options, context);
  },

  setHeader(): void {
    // A reply has no headers.
  },

  refuse(host: ArgumentsHost, refusal: Refusal): Error {
    const { statusCode, message, errorCode } = refusal;
    const grpc = readMessageCall(host.getArgs())?.grpc;
    const error: RpcError = {
      statusCode,
      message,
      errorCode,
      ...(grpc && { code: GRPC_CODES[statusCode], metadata: trailersFor(refusal, grpc.metadata) }),
    };
    const exception = rpcExceptionFor(error, refusal.cause);
    refused.set(exception, error);
    return exception;
  },
};

/** Returns as trailers what an HTTP client would receive as headers, for clients that can use it. */
function trailersFor({ errorCode, headers }: Refusal, { constructor }: GrpcMetadata): GrpcMetadata {
  const trailers = new (constructor as new () => GrpcMetadata)();
  trailers.set('error-code', errorCode);
  for (const [name, value] of Object.entries(headers))
    trailers.set(name.toLowerCase(), [value].flat().join(', '));
  return trailers;
}
