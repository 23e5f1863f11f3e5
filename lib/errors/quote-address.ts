/** Addresses in a log line or an error: without what may be secret in them. */
import { quoteForeign } from './quote-foreign.js';

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
