/** A request with the headers that were received, whatever other code has written into it since. */
import type { IncomingHttpHeaders } from 'node:http';
import { rawHeadersOf, type IncomingRequest } from './incoming-request.js';

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

const received = new WeakMap<object, IncomingRequest>();

/**
 * The request, with `headers` made of its raw headers. Mercurius copies what a client sends as `connectionParams` into
 * `request.headers`, where a proxy's certificate could be forged.
 */
export function asReceived(request: IncomingRequest): IncomingRequest {
  let view = received.get(request);
  if (!view) received.set(request, (view = viewOf(request)));
  return view;
}

/** {@link asReceived}, made anew: for who needs it once, and has the request live for long. */
export function viewOf(request: IncomingRequest): IncomingRequest {
  // What resolvers of an application read beside headers (cookies, say) is the request's own.
  return Object.create(request, {
    headers: { value: headersFrom(rawHeadersOf(request)), enumerable: true },
    ...(request.query === undefined && { query: { value: queryOf(request.url), enumerable: true } }),
  }) as IncomingRequest;
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
