/**
 * Reads the arguments of a message handler: the context object of the message, and the values of its `authorization` header.
 * Supports TCP, Redis, NATS, RabbitMQ, Kafka, MQTT and gRPC; none of their packages is imported.
 */
import type { ClientCertificate } from './client-certificate.js';

/** A gRPC call, as `@grpc/grpc-js` passes it to handlers. */
export interface GrpcCall {
  readonly metadata: GrpcMetadata;
  /** Whether the client has cancelled the call. */
  readonly cancelled?: boolean;
  /** For streams. */
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
  /** The object that represents the message: the context that Nest passes to handlers; in gRPC the metadata of the call. */
  readonly carrier: object;
  readonly grpc:
    | {
        readonly call: GrpcCall | undefined;
        readonly metadata: GrpcMetadata;
        /** Set if Nest passes the call itself to the handler, which responds through it: `@GrpcStreamCall()`. */
        readonly passedThrough: { readonly callback: GrpcCallback | undefined } | undefined;
      }
    | undefined;
}

export type GrpcCallback = (error: unknown) => void;

/** The methods that distinguish the contexts of Nest's transports. The transport alone determines which of them exist. */
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
 * @param args the arguments of the handler: (payload, context), in gRPC (payload, metadata, call), with `@GrpcStreamCall()`
 *   (call) or (call, callback)
 * @returns `undefined` if a custom transport passes no context
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
  // An object that a client sends has no methods.
  if (!isGrpcCall(first)) return undefined;
  const callback = typeof context === 'function' ? (context as GrpcCallback) : undefined;
  return {
    carrier: first.metadata,
    grpc: { metadata: first.metadata, call: first, passedThrough: { callback } },
  };
}

/** Returns every value of `authorization` (in any case), if the transport has headers. Never reads the payload. */
export function authorizationValuesOf({ carrier, grpc }: MessageCall): readonly unknown[] {
  if (grpc) return grpc.metadata.get('authorization');
  return headersOf(carrier as Context)
    .filter(([name]) => name.length === 13 && name.toLowerCase() === 'authorization')
    .flatMap(([, value]) => (Array.isArray(value) ? (value as readonly unknown[]) : [value]));
}

/** Returns the client certificate of a mutual TLS connection, which the server has verified with its `rootCerts`. */
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

/** Returns no pairs for another type: the context of a custom transport may also have a method `getHeaders`. */
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
