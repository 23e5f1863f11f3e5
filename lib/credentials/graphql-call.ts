/**
 * Finds the request of a GraphQL resolver call: of Apollo and Mercurius, on Express and Fastify, over HTTP and
 * graphql-transport-ws. None of them is imported.
 */
import type { IncomingRequest } from './incoming-request.js';
import { asReceived } from './received-request.js';

/** The part of `GraphQLResolveInfo` that is read. */
export interface ResolveInfo {
  readonly fieldName: string;
  readonly path: { readonly prev: unknown };
  readonly operation: { readonly operation: string };
}

interface HeaderWriter {
  readonly headersSent?: boolean;
  readonly writableEnded?: boolean;
  readonly sent?: boolean;
  header?(name: string, value: string | readonly string[]): unknown;
}

/** The members of a context, which depend on driver and transport. */
interface Context {
  readonly req?: (Partial<IncomingRequest> & ApolloConnection) | null;
  readonly reply?: (HeaderWriter & { readonly request?: IncomingRequest }) | null;
  readonly request?: IncomingRequest;
  readonly connectionParams?: unknown;
  readonly _connectionInit?: unknown;
}

/** The connection context of graphql-ws. */
interface ApolloConnection {
  readonly connectionParams?: unknown;
  readonly extra?: { readonly request?: IncomingRequest } | null;
}

export interface GraphQLCall {
  readonly info: ResolveInfo;
  /** The context, which the resolvers of one operation share. Unique only within a request or connection: contexts may be reused. */
  readonly operation: object;
  /** `undefined` if the context has no request, two different ones, or one that was already answered. */
  readonly source: GraphQLSource | undefined;
}

export interface GraphQLSource {
  /** The object that represents the caller for the lifetime of the request or connection. */
  readonly carrier: object;
  /** The HTTP request, or the upgrade request of the WebSocket. */
  readonly request: IncomingRequest;
  /** For a WebSocket: what the client sent when it connected. */
  readonly connection: { readonly params: unknown } | undefined;
  /** The HTTP response, if the context gives access to it. */
  readonly response: HeaderWriter | undefined;
}

/** @param args of a resolver: (parent, args, context, info), (reference, context, info), or (value, context, info, type) */
export function readGraphQLCall(args: readonly unknown[]): GraphQLCall | undefined {
  const at = indexOfInfo(args);
  const info = args[at];
  const context = args[at - 1];
  if (!isInfo(info) || !isObject(context)) return undefined;
  return { info, operation: context, source: sourceOf(context) };
}

/** Whether the resolver belongs to a subscription: it opens the subscription, or resolves a field of an event. */
export function isOfSubscription({ operation }: ResolveInfo): boolean {
  return operation.operation === 'subscription';
}

/** Returns the last index, or for `__resolveType` the index before the type. */
function indexOfInfo(args: readonly unknown[]): number {
  const last = args.length - 1;
  return isInfo(args[last]) ? last : last - 1;
}

/** Whether the call opens a subscription; its events do not. */
export function opensSubscription({ info }: GraphQLCall): boolean {
  return isOfSubscription(info) && info.path.prev === undefined;
}

function sourceOf(context: Context): GraphQLSource | undefined {
  const { req, reply } = context;
  const upgrade = req?.extra?.request;
  if (isRequest(upgrade)) return connected(req as object, upgrade, req?.connectionParams);
  // Mercurius. A `req`, if there is one, must be the same request: a context that requests share would have the first caller's.
  const replied = reply?.request ?? ('_connectionInit' in context ? context.request : undefined);
  if (isRequest(replied)) {
    if (isObject(req) && req !== replied && req !== replied.raw) return undefined;
    return sourceIn(replied, reply ?? undefined, context);
  }
  if (!isRequest(req)) return undefined;
  // A request of Express has a reference to its response.
  return sourceIn(req, (req as { readonly res?: HeaderWriter }).res ?? reply ?? undefined, context);
}

function sourceIn(
  request: IncomingRequest,
  response: HeaderWriter | undefined,
  context: Context,
): GraphQLSource | undefined {
  const received = asReceived(request);
  if (received.isUpgrade)
    return connected(request, request, context.connectionParams ?? context._connectionInit);
  // The request was already answered, so an operation that starts now was given the request of another caller.
  if (response?.writableEnded === true) return undefined;
  return { carrier: request, request: received, connection: undefined, response };
}

function connected(carrier: object, upgrade: IncomingRequest, params: unknown): GraphQLSource {
  return { carrier, request: asReceived(upgrade), connection: { params }, response: undefined };
}

/** Whether the value is a request with raw headers. An object that an application created from other headers is not. */
function isRequest(value: unknown): value is IncomingRequest {
  if (!isObject(value)) return false;
  const { raw, rawHeaders } = value as IncomingRequest;
  return Array.isArray(raw?.rawHeaders ?? rawHeaders);
}

function isInfo(value: unknown): value is ResolveInfo {
  return isObject(value) && 'fieldNodes' in value && 'operation' in value && 'path' in value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
