/** Brings URLs into one spelling, so that those of one resource compare equal. RFC 3986 section 6.2. */

/**
 * Scheme and host in lower case, no default port, no dot segments, percent-encoding only where it is needed; without
 * query and fragment (RFC 9449 section 4.3: these are ignored). `undefined` if it is no http(s) URL.
 */
export function normalizeUri(uri: string): string | undefined {
  const url = parseUrl(uri);
  if (url === undefined) return undefined;
  const { protocol, origin, pathname, username, password } = url;
  if ((protocol !== 'https:' && protocol !== 'http:') || username !== '' || password !== '') return undefined;
  return origin + upperCaseEscapes(pathname.replace(NEEDLESS_ESCAPES, decodeURIComponent));
}

/** Not by `URL.canParse`: once optimized, that of Node.js 20 answers `false` for some letters beyond ASCII. */
export function parseUrl(uri: string): URL | undefined {
  try {
    return new URL(uri);
  } catch {
    return undefined;
  }
}

/** The hexadecimal digits of percent-encoding, which mean the same in either case (RFC 3986 section 6.2.2.1). */
export function upperCaseEscapes(path: string): string {
  return path.replace(/%[0-9a-f]{2}/gi, (escape) => escape.toUpperCase());
}

/** Those of letters, digits, `-`, `.`, `_` and `~` (RFC 3986 section 2.3). */
const NEEDLESS_ESCAPES = /%(?:2[DE]|5F|7E|3[0-9]|[46][1-9A-F]|[57][0-9A])/gi;
const NEEDLESS_ESCAPE = new RegExp(NEEDLESS_ESCAPES.source, 'i');

/** A segment that normalisation takes away, perhaps with the one before it; URL parsers also read `\` as `/`. */
const DOT_SEGMENT = /(?:^|[/\\])(?:\.|%2e){1,2}(?:[/\\]|$)/i;
/** What the URL parser turns into `/`, or leaves out. */
const REWRITTEN = /[\\\p{Cc} ]/u;

/** Whether a router that reads this path as it is may find another handler than for its normal form. */
export function isRespelled(path: string): boolean {
  return NEEDLESS_ESCAPE.test(path) || hasDotSegments(path);
}

/** Whether normalisation changes which segments the path has. */
export function hasDotSegments(path: string): boolean {
  return DOT_SEGMENT.test(path) || REWRITTEN.test(path);
}

/**
 * Whether `htu` names what `targetUriOf` found: in any spelling if the request's path is in normal form, else in the
 * request's own.
 */
export function isForTarget(htu: string, targetUri: string): boolean {
  return normalizeUri(htu) === targetUri || asSpelled(htu) === targetUri;
}

/** Only the origin in normal form. */
function asSpelled(uri: string): string | undefined {
  const path = /^https?:\/\/[^/?#\\]*([^?#]*)/i.exec(uri)?.[1];
  const origin = normalizeUri(uri);
  if (path === undefined || origin === undefined) return undefined;
  return new URL(origin).origin + upperCaseEscapes(path);
}
