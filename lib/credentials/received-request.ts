/** Provides a request with the headers that were received, regardless of what other code has written into them since. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { headerLinesOf, rawHeadersOf, socketOf, type IncomingRequest } from './incoming-request.js';

/** Headers of which Node keeps only the first line (https://nodejs.org/api/http.html#messageheaders). */
const FIRST_LINE_COUNTS: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

/** A symbol, so that no parameter, header or body can set this property. */
const RECEIVED = Symbol('nestjs-resource-server:received');

/** Reads everything from the request itself, except for the headers, which are created on first use. */
class ReceivedRequest implements IncomingRequest {
  /** Whether it is the upgrade request of a WebSocket. */
  readonly isUpgrade: boolean;
  #headers: IncomingHttpHeaders | undefined;

  constructor(readonly own: IncomingRequest) {
    this.isUpgrade = headerLinesOf(own, 'upgrade').join(', ').toLowerCase() === 'websocket';
  }

  get headers(): IncomingHttpHeaders {
    return (this.#headers ??= headersFrom(rawHeadersOf(this.own)));
  }
  get rawHeaders(): readonly string[] {
    return rawHeadersOf(this.own);
  }
  get socket(): Socket | undefined {
    return socketOf(this.own);
  }
  get method(): string | undefined {
    return this.own.method;
  }
  get url(): string | undefined {
    return this.own.url;
  }
  get originalUrl(): string | undefined {
    return this.own.originalUrl;
  }
  get query(): unknown {
    return this.own.query ?? queryOf(this.own.url);
  }
  get body(): unknown {
    return this.own.body;
  }
  get params(): unknown {
    return this.own.params;
  }
}

/**
 * Returns the request with `headers` created from its raw headers. Mercurius copies the client's `connectionParams` into
 * `request.headers`, where a client could forge the certificate header of a proxy.
 */
export function asReceived(request: IncomingRequest): IncomingRequest & { readonly isUpgrade: boolean } {
  const holder = request as { [RECEIVED]?: ReceivedRequest };
  // A copy of another request, or an object that inherits from one, has the property of that request.
  if (holder[RECEIVED]?.own !== request) holder[RECEIVED] = new ReceivedRequest(request);
  return holder[RECEIVED];
}

/** Returns the request for functions of the application: with all its properties (such as cookies) and the received headers. */
export function forApplication(request: IncomingRequest): IncomingRequest {
  return request instanceof ReceivedRequest ? viewOf(request.own) : request;
}

/** Creates a view for {@link forApplication}. A proxy costs more than a `ReceivedRequest`, which the guard reads for GraphQL. */
export function viewOf(request: IncomingRequest): IncomingRequest {
  const own = Object.create(null, {
    headers: { value: headersFrom(rawHeadersOf(request)), enumerable: true },
    ...(request.query === undefined && { query: { value: queryOf(request.url), enumerable: true } }),
  }) as object;
  return new Proxy(own, new Beside(request)) as IncomingRequest;
}

/**
 * Reads what resolvers of an application need besides headers (such as cookies) from the request itself. If the request
 * were the prototype of its view, it would take almost 1 KiB more for its lifetime, and be slower to read and to write.
 */
class Beside implements ProxyHandler<object> {
  constructor(private readonly request: object) {}

  get(own: object, name: string | symbol, view: unknown): unknown {
    return Reflect.get(name in own ? own : this.request, name, view);
  }

  has(own: object, name: string | symbol): boolean {
    return name in own || name in this.request;
  }

  getPrototypeOf(): object | null {
    return Reflect.getPrototypeOf(this.request);
  }
}

function headersFrom(raw: readonly string[]): IncomingHttpHeaders {
  const headers = Object.create(null) as IncomingHttpHeaders;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase();
    const value = raw[i + 1] ?? '';
    const known = headers[name];
    if (name === 'set-cookie') headers[name] = [...(headers[name] ?? []), value];
    else if (known === undefined) headers[name] = value;
    else if (!FIRST_LINE_COUNTS.has(name))
      headers[name] = `${String(known)}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return headers;
}

/** Parses the query, because no framework has parsed that of an upgrade request. */
function queryOf(url = ''): Readonly<Record<string, string>> {
  const query = url.indexOf('?');
  return query === -1 ? {} : Object.fromEntries(new URLSearchParams(url.slice(query)));
}
