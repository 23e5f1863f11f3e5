/** Reads the certificate in the header `x-forwarded-client-cert` of Envoy. */

/** The text that was read, or the reason that it was not: a fixed phrase for the log. */
export type ReadCertificate = { readonly text: string } | { readonly problem: string };

/** Matches one pair: the value in double quotes, with `\` before a quote in it, or without quotes; then `;`, `,` or the end. */
const PAIR = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))(;|,|$)/y;

/** Envoy writes one pair for each subject alternative name. */
const REPEATED: ReadonlySet<string> = new Set(['by', 'uri', 'dns']);
const ONCE: ReadonlySet<string> = new Set(['hash', 'cert', 'chain', 'subject']);
/** Names from the client's certificate, which Envoy writes unescaped: the client may have written what follows them. */
const UNQUOTED: ReadonlySet<string> = new Set(['uri', 'dns']);

/**
 * Returns the value of `Cert`, still percent-encoded.
 *
 * The header must have exactly one element with exactly one quoted `Cert`, before any `URI` and `DNS`. An element before the
 * proxy's own is the client's (`APPEND_FORWARD`). A quote that a client leaves open would hide the proxy's element, and a `,`
 * or `;` in a subject alternative name, which Envoy does not escape, would begin another element or pair.
 */
export function readXfccCertificate(value: string): ReadCertificate {
  const seen = new Set<string>();
  let cert: string | undefined;
  for (let at = 0; ; at = PAIR.lastIndex) {
    PAIR.lastIndex = at;
    const [pair, name = '', quoted, , end] = PAIR.exec(value) ?? [];
    const key = name.toLowerCase();
    const mayStand = REPEATED.has(key) || (ONCE.has(key) && !seen.has(key));
    if (pair === undefined || !mayStand) return { problem: 'it is malformed' };
    if (key === 'cert') {
      if (quoted === undefined || [...UNQUOTED].some((each) => seen.has(each)))
        return { problem: 'its Cert is not where Envoy writes it' };
      cert = quoted;
    }
    seen.add(key);
    if (end === ',') return { problem: 'it has more than one element' };
    if (end === '') break;
  }
  return cert === undefined ? { problem: 'it has no Cert' } : { text: cert };
}
