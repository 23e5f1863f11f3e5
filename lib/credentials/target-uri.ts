/** Which URL did the client address? RFC 9449 section 4.3 (`htu`), RFC 3986 section 6.2.2, RFC 9110 section 7.1. */
import type { TLSSocket } from 'node:tls';
import { socketOf, type IncomingRequest } from './incoming-request.js';

export interface TargetOptions {
  /**
   * The URL that clients address this API by, for DPoP: up to where its routes begin.
   *
   * `https://api.example.com`, or `https://example.com/api` behind a proxy that cuts `/api` off. Needed wherever the
   * API is not addressed by the host of an audience: what the `Host` header says is anybody's word. Left out, the
   * request's own URL counts on loopback hosts and the hosts of audiences that are URLs.
   *
   * @default the request's
   */
  readonly publicUrl?: string | undefined;
}

/**
 * The normalised URL of a request, without query and fragment; `undefined` if its host is not one that this API has.
 *
 * A proof made for another server names that server: taking the host from the request would make it good here.
 */
export function targetUriOf(
  request: IncomingRequest,
  { publicUrl, audience }: TargetOptions & { readonly audience: string | readonly string[] },
): string | undefined {
  const path = (request.originalUrl ?? request.url ?? '').replace(/[?#].*$/s, '');
  if (!path.startsWith('/')) return undefined;
  if (publicUrl !== undefined) return normalizeUri(publicUrl.replace(/\/$/, '') + path);
  const { host } = request.headers;
  if (host === undefined || !isOwnHost(host, audience)) return undefined;
  const scheme = (socketOf(request) as Partial<TLSSocket> | undefined)?.encrypted === true ? 'https' : 'http';
  return normalizeUri(`${scheme}://${host}${path}`);
}

/**
 * Scheme and host in lower case, no default port, no dot segments, percent-encoding only where it is needed; without
 * query and fragment (RFC 9449 section 4.3: these are ignored). `undefined` if it is no http(s) URL.
 */
export function normalizeUri(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined;
  const { protocol, origin, pathname, username, password } = new URL(uri);
  if ((protocol !== 'https:' && protocol !== 'http:') || username !== '' || password !== '') return undefined;
  return origin + pathname.replace(/%[0-9a-f]{2}/gi, normalizeEscape);
}

function normalizeEscape(escape: string): string {
  const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return /[A-Za-z0-9\-._~]/.test(char) ? char : escape.toUpperCase();
}

function isOwnHost(host: string, audience: string | readonly string[]): boolean {
  if (!/^[A-Za-z0-9.-]+(:\d+)?$|^\[[0-9a-fA-F:.]+\](:\d+)?$/.test(host)) return false;
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name)) return true;
  const audiences = typeof audience === 'string' ? [audience] : audience;
  return audiences.some((each) => URL.canParse(each) && new URL(each).host === host.toLowerCase());
}
