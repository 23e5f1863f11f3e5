/** Determines the URL that a request is for. RFC 9449 section 4.3 (`htu`), RFC 3986 section 6.2, RFC 9110 section 7.1. */
import type { TLSSocket } from 'node:tls';
import { headerLinesOf, socketOf, type IncomingRequest } from './incoming-request.js';
import { isRespelled, normalizeUri, parseUrl, upperCaseEscapes } from './normalize-uri.js';

export interface TargetOptions {
  /**
   * The URL by which clients address this API, without the paths of its routes. Used for DPoP.
   *
   * `https://api.example.com`, or `https://example.com/api` behind a proxy that removes `/api`. Required if clients
   * do not address the API by the host of an audience, because the sender chooses the `Host` header. Without it, the URL of the
   * request is used, if its host is that of an audience that is an http(s) URL, or a loopback host and the connection arrived on
   * a loopback address.
   *
   * @default the request's
   */
  readonly publicUrl?: string | undefined;
}

type OwnOptions = TargetOptions & { readonly audience: string | readonly string[] };

/**
 * Returns the URL of a request, without query and fragment, in the form that `isForTarget` compares; `undefined` if its host is
 * not one of this API.
 *
 * A proof for another server contains that server's URL. It would be accepted here if any host in the request were used.
 */
export function targetUriOf(request: IncomingRequest, options: OwnOptions): string | undefined {
  const path = (request.originalUrl ?? request.url ?? '').replace(/[?#].*$/s, '');
  const base = path.startsWith('/') ? (options.publicUrl ?? ownOriginOf(request, options)) : undefined;
  if (base === undefined) return undefined;
  const prefix = base.replace(/\/$/, '');
  if (!isRespelled(path)) return normalizeUri(prefix + path);
  // Routers match the path as sent: its normal form may be the path of another handler.
  const normalPrefix = normalizeUri(prefix)?.replace(/\/$/, '');
  return normalPrefix === undefined ? undefined : normalPrefix + upperCaseEscapes(path);
}

/** Returns scheme, host and port of the request if they are those of this API; in lower case, without a default port. */
function ownOriginOf(request: IncomingRequest, options: OwnOptions): string | undefined {
  const socket = socketOf(request);
  const host = hostOf(request);
  const scheme = (socket as Partial<TLSSocket> | undefined)?.encrypted === true ? 'https' : 'http';
  const url = host === undefined ? undefined : parseUrl(`${scheme}://${host}`);
  if (url === undefined) return undefined;
  const isOwn =
    (isLoopbackName(url.hostname) && isLoopbackAddress(socket?.localAddress)) ||
    audienceHostsOf(options).has(url.host);
  return isOwn ? url.origin : undefined;
}

/** Keyed by the options, which are created once. */
const audienceHosts = new WeakMap<OwnOptions, ReadonlySet<string | undefined>>();

function audienceHostsOf(options: OwnOptions): ReadonlySet<string | undefined> {
  const known = audienceHosts.get(options);
  if (known) return known;
  const hosts = new Set([options.audience].flat().map(httpHostOf));
  audienceHosts.set(options, hosts);
  return hosts;
}

function httpHostOf(audience: string): string | undefined {
  return /^https?:\/\//i.test(audience) ? parseUrl(audience)?.host : undefined;
}

/** A name or an address, optionally with a port: no userinfo, no path. */
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::\d*)?$/;

/**
 * Returns `Host`, or in HTTP/2 `:authority`, which a `Host` must equal (RFC 9113 section 8.3.1). `undefined` for several lines:
 * Node would keep the first, but a proxy may keep another.
 */
function hostOf(request: IncomingRequest): string | undefined {
  const authority = request.headers[':authority'];
  const [host = authority, ...more] = headerLinesOf(request, 'host');
  if (typeof host !== 'string' || more.length > 0 || !HOST.test(host)) return undefined;
  return authority === undefined || authority === host ? host : undefined;
}

function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || isLoopbackAddress(hostname);
}

/** The local address of a connection over a Unix socket is `undefined`. */
function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/i.test(address);
}
