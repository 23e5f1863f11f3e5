/** Defines the part of a request that the library reads. Requests of Express and Fastify both have it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '../errors/log.js';

interface NodeRequest {
  readonly rawHeaders: readonly string[];
  readonly socket: Socket;
}

/** The part of a request of Express or Fastify that resolvers receive. */
export interface IncomingRequest {
  readonly headers: IncomingHttpHeaders;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** The received URL, before a router removed a prefix. */
  readonly originalUrl?: string | undefined;
  readonly query?: unknown;
  readonly body?: unknown;
  /** The parameters of the path, as the router read them. */
  readonly params?: unknown;
  /** Express: the request is Node's own. */
  readonly rawHeaders?: readonly string[];
  readonly socket?: Socket | undefined;
  /** Fastify: the request of Node.js. */
  readonly raw?: NodeRequest;
}

export function rawHeadersOf(request: IncomingRequest): readonly string[] {
  return request.raw?.rawHeaders ?? request.rawHeaders ?? [];
}

/**
 * Returns the values of all lines of this header, as received. `headers` is read only if there are no raw headers: Node joins or
 * drops repeated lines in it, and other code can add values that no client sent.
 *
 * @param name in lower case
 */
export function headerLinesOf(request: IncomingRequest, name: string): readonly string[] {
  const raw = request.raw?.rawHeaders ?? request.rawHeaders;
  if (raw === undefined) {
    const value = request.headers[name];
    return value === undefined ? [] : typeof value === 'string' ? [value] : value;
  }
  const lines: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.length === name.length && raw[i]?.toLowerCase() === name) lines.push(raw[i + 1] ?? '');
  }
  return lines;
}

export function socketOf(request: IncomingRequest): Socket | undefined {
  return request.raw?.socket ?? request.socket;
}

/**
 * Returns the token of a request, for applications that do not send it in the `Authorization` header but, for example, in a cookie.
 * Called for every request to a route that is not public. `undefined`, `null` or an empty string: no token. An error results in 500.
 * Values that parsers create from repeated or nested parameters are rejected: with 400 for a list of several tokens (RFC 6750
 * section 2), with 401 for a list of one and for an object. Any other value that is not a string results in 500.
 *
 * With a cookie, requests from other sites are authenticated: protect the application against CSRF.
 */
export type TokenResolver = Resolver;

/**
 * Returns the client certificate of a request in PEM, if TLS does not terminate in this process. Called only for tokens and routes
 * that require it; an error results in 500. The result is trusted: do not read a header that clients can set.
 */
export type CertificateResolver = {
  resolve(request: IncomingRequest, log?: Log): ReturnType<Resolver>;
}['resolve'];

/** A method type, so that the parameter of an application's function can have the request type of its platform. */
type Resolver = {
  resolve(request: IncomingRequest): string | undefined | Promise<string | undefined>;
}['resolve'];

export interface ResolverOptions {
  /**
   * `(request) => token`, if the token is not in the `Authorization` header but, for example, in a cookie.
   *
   * @default `Authorization: Bearer`
   */
  readonly tokenResolver?: TokenResolver | undefined;
  /**
   * If TLS terminates at a proxy:
   * [`certificateFromHeader(...)`](../../docs/sender-constrained-tokens.md#certificates), or your own
   * `(request) => PEM`, which must not read a header that clients can set.
   *
   * @default the TLS connection's
   */
  readonly certificateResolver?: CertificateResolver | undefined;
}
