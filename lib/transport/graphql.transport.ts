/** The transport for GraphQL: Apollo and Mercurius, on Express and Fastify, over HTTP and over graphql-transport-ws. */
import { HttpException, type ArgumentsHost } from '@nestjs/common';
import { resolveConnectionCredentials } from '../credentials/connection-params.js';
import { extractCredentials, resolveCredentials } from '../credentials/extract-credentials.js';
import { readGraphQLCall } from '../credentials/graphql-call.js';
import { headerLinesOf, type ResolverOptions } from '../credentials/incoming-request.js';
import type { Refusal } from '../errors/refusal.js';
import type { Call, Transport } from './transport.js';

/** The codes of Apollo. Mercurius defines none. */
const CODES = {
  400: 'UNAUTHENTICATED',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'SERVICE_UNAVAILABLE',
} as const;

type Headers = ReadonlyMap<string, string>;

/**
 * A rejection, which graphql-js converts into a `GraphQLError` with the same message and extensions. It is an `HttpException`, so
 * that Nest does not log it as a fault and filters of the application recognize it. Its response is not an object, because
 * Nest's Apollo driver would then write its own extensions.
 */
export class GraphQLRefusal extends HttpException {
  readonly extensions: {
    readonly code: (typeof CODES)[keyof typeof CODES];
    readonly errorCode: string;
    /** Apollo removes this member, and sets the headers on the HTTP response. */
    readonly http?: { readonly headers: Headers };
  };

  constructor({ statusCode, message, errorCode, cause }: Refusal, headers?: Headers) {
    super(message, statusCode, { cause });
    this.extensions = { code: CODES[statusCode], errorCode, ...(headers && { http: { headers } }) };
  }
}

/** The requests whose response already has the headers of a rejection. Only the first rejection of a request sets them. */
const challenged = new WeakSet<object>();

export const graphqlTransport: Transport = {
  kind: 'graphql',
  missingRequest:
    'the GraphQL context has no request, or one that has ended or belongs to another caller: set the option `context` of GraphQLModule to a ' +
    'function that returns a new object each time, with the request it received: ({ req }) => ({ req })',

  callOf(host: ArgumentsHost): Call | undefined {
    const call = readGraphQLCall(host.getArgs());
    if (!call?.source) return undefined;
    const { carrier, request, connection } = call.source;
    return { carrier, request, connection, operation: connection ? call.operation : carrier };
  },

  credentialsOf({ request, connection }: Call, options: ResolverOptions) {
    if (connection) return resolveConnectionCredentials(connection.params, request, options);
    if (options.tokenResolver) return resolveCredentials(request, options);
    // Reads one header: an object of all headers takes longer to build than all other work for a cached token.
    return extractCredentials(request, headerLinesOf(request, 'authorization')[0]);
  },

  setHeader(host: ArgumentsHost, name: string, value: string | readonly string[]): void {
    const response = readGraphQLCall(host.getArgs())?.source?.response;
    // Other fields may still run when the response has been sent.
    if (response?.header && response.headersSent !== true && response.sent !== true)
      response.header(name, value);
  },

  refuse(host: ArgumentsHost, refusal: Refusal): GraphQLRefusal {
    const headers = Object.entries(refusal.headers);
    const source = readGraphQLCall(host.getArgs())?.source;
    if (headers.length === 0 || !source || source.connection || challenged.has(source.carrier)) {
      return withoutStack(() => new GraphQLRefusal(refusal));
    }
    challenged.add(source.carrier);
    if (source.response?.header) {
      for (const [name, value] of headers) this.setHeader(host, name, value);
      return withoutStack(() => new GraphQLRefusal(refusal));
    }
    // Apollo on Fastify: the context has no response. Several challenges form one line (RFC 9110 section 5.3).
    const joined = headers.map(([name, value]) => [name, [value].flat().join(', ')] as const);
    return withoutStack(() => new GraphQLRefusal(refusal, new Map(joined)));
  },
};

/** Creates a rejection without a stack, which would always be that of the guard. */
function withoutStack(make: () => GraphQLRefusal): GraphQLRefusal {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', 0);
  const refusal = make();
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  return refusal;
}
