/** GraphQL operations: Apollo and Mercurius, on Express and Fastify, over HTTP and over graphql-transport-ws. */
import { HttpException, type ArgumentsHost } from '@nestjs/common';
import { resolveConnectionCredentials } from '../credentials/connection-params.js';
import { extractCredentials, resolveCredentials } from '../credentials/extract-credentials.js';
import { readGraphQLCall } from '../credentials/graphql-call.js';
import { headerLinesOf, type ResolverOptions } from '../credentials/incoming-request.js';
import type { Refusal } from '../errors/refusal.js';
import type { Call, Transport } from './transport.js';

/** As Apollo names them; Mercurius has no names of its own. */
const CODES = {
  400: 'UNAUTHENTICATED',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'SERVICE_UNAVAILABLE',
} as const;

type Headers = ReadonlyMap<string, string>;

/**
 * graphql-js makes a `GraphQLError` of it, with its message and its extensions. An `HttpException`, which Nest does not log as a
 * fault, and which filters of the application know; its response is no object, or Nest's Apollo driver would write its own
 * extensions.
 */
export class GraphQLRefusal extends HttpException {
  readonly extensions: {
    readonly code: (typeof CODES)[keyof typeof CODES];
    readonly errorCode: string;
    /** Apollo takes it out, and sets the headers on the HTTP response. */
    readonly http?: { readonly headers: Headers };
  };

  constructor({ statusCode, message, errorCode, cause }: Refusal, headers?: Headers) {
    super(message, statusCode, { cause });
    this.extensions = { code: CODES[statusCode], errorCode, ...(headers && { http: { headers } }) };
  }
}

/** The requests whose response has the headers of a refusal already: of several, the first one counts. */
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
    // By itself: to make an object of all headers takes longer than everything else that a known token needs.
    return extractCredentials(request, headerLinesOf(request, 'authorization')[0]);
  },

  setHeader(host: ArgumentsHost, name: string, value: string | readonly string[]): void {
    const response = readGraphQLCall(host.getArgs())?.source?.response;
    // Other fields go on while a response may be sent already.
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
    // Apollo on Fastify: its context does not know the response. One line for several challenges (RFC 9110 section 5.3).
    const joined = headers.map(([name, value]) => [name, [value].flat().join(', ')] as const);
    return withoutStack(() => new GraphQLRefusal(refusal, new Map(joined)));
  },
};

/** The stack of a refusal is always the guard's. */
function withoutStack(make: () => GraphQLRefusal): GraphQLRefusal {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', 0);
  const refusal = make();
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  return refusal;
}
