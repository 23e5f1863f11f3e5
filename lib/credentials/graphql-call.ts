/**
 * Finds the request behind a GraphQL resolver call. Apollo and Mercurius, on Express and Fastify, over HTTP and over
 * graphql-transport-ws; none of them is imported.
 */
import type { IncomingRequest } from './incoming-request.js';
import { asReceived } from './received-request.js';

/** As much of `GraphQLResolveInfo` as is read. */
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

/** What a context may hold, by driver and transport. */
interface Context {
  readonly req?: (Partial<IncomingRequest> & ApolloConnection) | null;
  readonly reply?: (HeaderWriter & { readonly request?: IncomingRequest }) | null;
  readonly request?: IncomingRequest;
  readonly connectionParams?: unknown;
  readonly _connectionInit?: unknown;
}

/** graphql-ws's context of a connection. */
interface ApolloConnection {
  readonly connectionParams?: unknown;
  readonly extra?: { readonly request?: IncomingRequest } | null;
}

export interface GraphQLCall {
  readonly info: ResolveInfo;
  /** The value that the resolvers of one operation share. Of one request or connection only: applications reuse contexts. */
  readonly operation: object;
  /** `undefined`: the context names no request, or two. */
  readonly source: GraphQLSource | undefined;
}

export interface GraphQLSource {
  /** What stands for the caller as long as the request or the connection lives. */
  readonly carrier: object;
  /** The request that came, or the one that asked for the WebSocket. */
  readonly request: IncomingRequest;
  /** Of a WebSocket: what the client sent when it connected. */
  readonly connection: { readonly params: unknown } | undefined;
  /** The HTTP answer, where it can be reached. */
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

/** Whether the resolver that was called belongs to a subscription: it opens it, or makes a field of an event. */
export function isOfSubscription({ operation }: ResolveInfo): boolean {
  return operation.operation === 'subscription';
}

/** Last, or before the type of `__resolveType`. */
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
  // Mercurius. What is there besides must be the same request: a context that requests share would name the first caller.
  const replied = reply?.request ?? ('_connectionInit' in context ? context.request : undefined);
  if (isRequest(replied)) {
    if (isObject(req) && req !== replied && req !== replied.raw) return undefined;
    return sourceIn(replied, reply ?? undefined, context);
  }
  if (!isRequest(req)) return undefined;
  // Express's request knows its response.
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
  // Answered already: what begins an operation now was given the request of another caller.
  if (response?.writableEnded === true) return undefined;
  return { carrier: request, request: received, connection: undefined, response };
}

function connected(carrier: object, upgrade: IncomingRequest, params: unknown): GraphQLSource {
  return { carrier, request: asReceived(upgrade), connection: { params }, response: undefined };
}

/** With the headers as they came: an object that an application made of other headers is no request. */
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
