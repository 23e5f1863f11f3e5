/**
 * Finds the caller behind a message handler: the context object of the message, and the values of its `authorization` header.
 * TCP, Redis, NATS, RabbitMQ, Kafka, MQTT and gRPC; none of their packages is imported.
 */
import type { ClientCertificate } from './client-certificate.js';

/** A gRPC call, as `@grpc/grpc-js` passes it to handlers. */
export interface GrpcCall {
  readonly metadata: GrpcMetadata;
  /** The client has given up. */
  readonly cancelled?: boolean;
  /** Of streams. */
  emit(event: string, value: unknown): boolean;
  once(event: string, listener: () => void): unknown;
  removeAllListeners(event: string): unknown;
  /** `@grpc/grpc-js` 1.14 and later. */
  getAuthContext?(): { readonly sslPeerCertificate?: { readonly raw?: ClientCertificate } | undefined };
}

export interface GrpcMetadata {
  get(key: string): readonly unknown[];
  set(key: string, value: string): void;
}

export interface MessageCall {
  /** What stands for the message: the context that Nest passes to handlers; of gRPC the call's metadata. */
  readonly carrier: object;
  readonly grpc:
    | {
        readonly call: GrpcCall | undefined;
        readonly metadata: GrpcMetadata;
        /** Nest passes the call itself to the handler, which answers on it: `@GrpcStreamCall()`. */
        readonly passedThrough: { readonly callback: GrpcCallback | undefined } | undefined;
      }
    | undefined;
}

export type GrpcCallback = (error: unknown) => void;

/** The methods by which the contexts of Nest's transports are told apart. Which of them there are follows from the transport alone. */
interface Context {
  /** NATS. */
  getHeaders?(): unknown;
  /** MQTT. */
  getPacket?(): { readonly properties?: { readonly userProperties?: object } } | undefined;
  /** RabbitMQ and Kafka. */
  getMessage?():
    { readonly headers?: object; readonly properties?: { readonly headers?: object } } | undefined;
  /** RabbitMQ. */
  getChannelRef?(): unknown;
  /** TCP and Redis, from Nest 12 on. */
  getMetadata?(): unknown;
}

/**
 * @param args of the handler: (payload, context), in gRPC (payload, metadata, call), with `@GrpcStreamCall()` (call) or
 *   (call, callback)
 * @returns `undefined` where a transport of the application passes no context
 */
export function readMessageCall(args: readonly unknown[]): MessageCall | undefined {
  const [first, context, call] = args;
  if (isObject(context)) {
    if (!isMetadata(context)) return { carrier: context, grpc: undefined };
    return {
      carrier: context,
      grpc: { metadata: context, call: isGrpcCall(call) ? call : undefined, passedThrough: undefined },
    };
  }
  // What a client sends has no methods.
  if (!isGrpcCall(first)) return undefined;
  const callback = typeof context === 'function' ? (context as GrpcCallback) : undefined;
  return {
    carrier: first.metadata,
    grpc: { metadata: first.metadata, call: first, passedThrough: { callback } },
  };
}

/** Every value of `authorization`, in any case, where the transport has headers. Never from the payload. */
export function authorizationValuesOf({ carrier, grpc }: MessageCall): readonly unknown[] {
  if (grpc) return grpc.metadata.get('authorization');
  return headersOf(carrier as Context)
    .filter(([name]) => name.length === 13 && name.toLowerCase() === 'authorization')
    .flatMap(([, value]) => (Array.isArray(value) ? (value as readonly unknown[]) : [value]));
}

/** The certificate that a client proved to have when it connected by mutual TLS, and that the server's `rootCerts` vouch for. */
export function peerCertificateOf({ grpc }: MessageCall): ClientCertificate | undefined {
  return grpc?.call?.getAuthContext?.().sslPeerCertificate?.raw;
}

function headersOf(context: Context): readonly (readonly [name: string, value: unknown])[] {
  if (typeof context.getHeaders === 'function') return pairsOf(context.getHeaders());
  if (typeof context.getPacket === 'function')
    return membersOf(context.getPacket()?.properties?.userProperties);
  if (typeof context.getMessage === 'function') {
    const message = context.getMessage();
    return membersOf(
      typeof context.getChannelRef === 'function' ? message?.properties?.headers : message?.headers,
    );
  }
  return typeof context.getMetadata === 'function' ? membersOf(context.getMetadata()) : [];
}

/** A context of an application may have a method of this name, too, with headers of its own shape. */
function pairsOf(headers: unknown): readonly (readonly [name: string, value: unknown])[] {
  return isObject(headers) && Symbol.iterator in headers
    ? [...(headers as Iterable<readonly [name: string, value: unknown]>)]
    : [];
}

function membersOf(headers: unknown): readonly (readonly [name: string, value: unknown])[] {
  return isObject(headers) ? Object.entries(headers) : [];
}

function isMetadata(value: object): value is GrpcMetadata {
  return hasMethod(value, 'get') && hasMethod(value, 'getMap') && hasMethod(value, 'toHttp2Headers');
}

function isGrpcCall(value: unknown): value is GrpcCall {
  if (!isObject(value) || !hasMethod(value, 'getPeer')) return false;
  const { metadata } = value as { readonly metadata?: unknown };
  return isObject(metadata) && isMetadata(metadata);
}

function hasMethod(value: object, name: string): boolean {
  return typeof (value as Readonly<Record<string, unknown>>)[name] === 'function';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
