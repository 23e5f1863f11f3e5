/** Normalizes URLs, so that those of the same resource compare equal. RFC 3986 section 6.2. */

/**
 * Returns the URL with scheme and host in lower case, without default port and dot segments, percent-encoded only where
 * necessary, and without query and fragment, which RFC 9449 section 4.3 ignores. `undefined` unless it is an http(s) URL
 * without userinfo.
 */
export function normalizeUri(uri: string): string | undefined {
  const url = parseUrl(uri);
  if (url === undefined) return undefined;
  const { protocol, origin, pathname, username, password } = url;
  if ((protocol !== 'https:' && protocol !== 'http:') || username !== '' || password !== '') return undefined;
  return origin + upperCaseEscapes(pathname.replace(NEEDLESS_ESCAPES, decodeURIComponent));
}

/** Does not use `URL.canParse`: in Node.js 20 it returns `false` for some non-ASCII letters once it is optimized. */
export function parseUrl(uri: string): URL | undefined {
  try {
    return new URL(uri);
  } catch {
    return undefined;
  }
}

/** Converts the hexadecimal digits of percent-encoding to upper case; both cases are equivalent (RFC 3986 section 6.2.2.1). */
export function upperCaseEscapes(path: string): string {
  return path.replace(/%[0-9a-f]{2}/gi, (escape) => escape.toUpperCase());
}

/** Percent-encoded letters, digits, `-`, `.`, `_` and `~`, which need no encoding (RFC 3986 section 2.3). */
const NEEDLESS_ESCAPES = /%(?:2[DE]|5F|7E|3[0-9]|[46][1-9A-F]|[57][0-9A])/gi;
const NEEDLESS_ESCAPE = new RegExp(NEEDLESS_ESCAPES.source, 'i');

/** A segment that normalization removes, for `..` together with the segment before it; URL parsers also read `\` as `/`. */
const DOT_SEGMENT = /(?:^|[/\\])(?:\.|%2e){1,2}(?:[/\\]|$)/i;
/** Characters that the URL parser converts to `/`, removes or encodes. */
const REWRITTEN = /[\\\p{Cc} ]/u;

/** Whether a router that matches the path as sent may select another handler than for its normal form. */
export function isRespelled(path: string): boolean {
  return NEEDLESS_ESCAPE.test(path) || hasDotSegments(path);
}

/** Whether normalization changes which segments the path has. */
export function hasDotSegments(path: string): boolean {
  return DOT_SEGMENT.test(path) || REWRITTEN.test(path);
}

/**
 * Whether `htu` is the URL that `targetUriOf` returned: in any spelling if the path of the request is in normal form, otherwise
 * only in the spelling of the request.
 */
export function isForTarget(htu: string, targetUri: string): boolean {
  return normalizeUri(htu) === targetUri || asSpelled(htu) === targetUri;
}

/** Normalizes the origin and the case of percent-encoding, but not the path. */
function asSpelled(uri: string): string | undefined {
  const path = /^https?:\/\/[^/?#\\]*([^?#]*)/i.exec(uri)?.[1];
  const origin = normalizeUri(uri);
  if (path === undefined || origin === undefined) return undefined;
  return new URL(origin).origin + upperCaseEscapes(path);
}
