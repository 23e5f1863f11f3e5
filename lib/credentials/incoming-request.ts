/** The few fields of a request that are read here. Express's request and Fastify's both fit. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '../errors/log.js';

interface NodeRequest {
  readonly rawHeaders: readonly string[];
  readonly socket: Socket;
}

export interface IncomingRequest {
  readonly headers: IncomingHttpHeaders;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** The URL as it came, before a router cut anything off. */
  readonly originalUrl?: string | undefined;
  readonly query?: unknown;
  readonly body?: unknown;
  /** The parameters of the path, as the router read them. */
  readonly params?: unknown;
  /** Express: the request is Node's own. */
  readonly rawHeaders?: readonly string[];
  readonly socket?: Socket | undefined;
  /** Fastify: Node's request stands behind its own. */
  readonly raw?: NodeRequest;
}

export function rawHeadersOf(request: IncomingRequest): readonly string[] {
  return request.raw?.rawHeaders ?? request.rawHeaders ?? [];
}

/**
 * The values of all lines of this header, as they were received. `headers` is not read where there is a raw list:
 * Node joins repeated lines or drops them, and other code can add to it what no client sent.
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
 * Where the token is, for applications that do not send it in the `Authorization` header (a cookie, say). Called for
 * every request of a route that is not public; an error it throws is answered with 500. `undefined`, `null` or an empty
 * string: no token. What parsers make of a repeated or nested parameter: 400 for a list of several tokens (RFC 6750 section
 * 2), 401 for a list of one and for an object. Anything else that is no string: 500.
 */
export type TokenResolver = Resolver;

/**
 * The client certificate of a request in PEM, where TLS does not end in this process. Called only for tokens and routes
 * that need it; an error it throws is answered with 500. What it hands over is trusted: a header that a client can set
 * itself is not a certificate.
 */
export type CertificateResolver = {
  resolve(request: IncomingRequest, log?: Log): ReturnType<Resolver>;
}['resolve'];

/** A method type, so that an application may name its platform's own request type as the parameter. */
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
