/** How may a value from outside stand in a log line? Escaped, so that it cannot forge one, and cut short. */

const MAX_LENGTH = 100;

/** A value from a token, a request or a provider as a JSON literal of bounded length. */
export function quoteForeign(value: unknown): string {
  // JSON has no word for Infinity.
  if (typeof value === 'number') return String(value);
  const raw =
    JSON.stringify(typeof value === 'string' ? value.slice(0, MAX_LENGTH + 1) : value) ?? String(value);
  // JSON leaves C1 controls and line separators as they are; a terminal does not.
  const text = raw.replace(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return text.length > MAX_LENGTH + 2 ? `${text.slice(0, MAX_LENGTH)}…` : text;
}

/** An address as a JSON literal, without the credentials and the query: these may hold a secret. */
export function quoteAddress(value: unknown): string {
  return quoteForeign(typeof value === 'string' ? hideSecrets(value) : value);
}

/** Text of other software, without the credentials and the queries of the addresses in it. */
export function hideSecretsOfAddresses(text: string): string {
  return text.replace(/[a-z][a-z\d+.-]*:\/\/\S+/gi, hideSecrets);
}

/** Also of what no parser takes for an address: a typing mistake must not show a password. */
function hideSecrets(address: string): string {
  return address.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1…@').replace(/[?#].*$/s, '?…');
}
