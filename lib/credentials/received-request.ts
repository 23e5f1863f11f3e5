/** A request with the headers that were received, whatever other code has written into it since. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { headerLinesOf, rawHeadersOf, socketOf, type IncomingRequest } from './incoming-request.js';

/** Headers of which Node keeps the first line (https://nodejs.org/api/http.html#messageheaders). */
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

/** A symbol: no parameter, header or body can bring a property of this name. */
const RECEIVED = Symbol('nestjs-resource-server:received');

/** Reads the request that it stands for, but for the headers, which are made when they are asked for. */
class ReceivedRequest implements IncomingRequest {
  /** Whether it asks for a WebSocket. */
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
 * The request, with `headers` made of its raw headers. Mercurius copies what a client sends as `connectionParams` into
 * `request.headers`, where a proxy's certificate could be forged.
 */
export function asReceived(request: IncomingRequest): IncomingRequest & { readonly isUpgrade: boolean } {
  const holder = request as { [RECEIVED]?: ReceivedRequest };
  // A copy of another request, or an object that inherits from it, has that one's.
  if (holder[RECEIVED]?.own !== request) holder[RECEIVED] = new ReceivedRequest(request);
  return holder[RECEIVED];
}

/** What a function of the application is given: all that it knows of a request (cookies, say), and the received headers. */
export function forApplication(request: IncomingRequest): IncomingRequest {
  return request instanceof ReceivedRequest ? viewOf(request.own) : request;
}

/** {@link forApplication}, made anew; a proxy costs more than the object that the guard itself reads. */
export function viewOf(request: IncomingRequest): IncomingRequest {
  const own = Object.create(null, {
    headers: { value: headersFrom(rawHeadersOf(request)), enumerable: true },
    ...(request.query === undefined && { query: { value: queryOf(request.url), enumerable: true } }),
  }) as object;
  return new Proxy(own, new Beside(request)) as IncomingRequest;
}

/**
 * What resolvers of an application read beside headers (cookies, say) is the request's own. A request that was the prototype of
 * its view would take almost 1 KiB more for as long as it lives, and be slower to read and to write.
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

/** Of an upgrade request nobody has parsed it. */
function queryOf(url = ''): Readonly<Record<string, string>> {
  const query = url.indexOf('?');
  return query === -1 ? {} : Object.fromEntries(new URLSearchParams(url.slice(query)));
}
