/** Quotes URLs for log lines and errors, without the parts that may be secret. */
import { quoteForeign } from './quote-foreign.js';

/** Returns a URL as a JSON literal, without credentials, query and fragment, because these may contain a secret. */
export function quoteAddress(value: unknown): string {
  return quoteForeign(typeof value === 'string' ? hideSecrets(value) : value);
}

/** Removes credentials, queries and fragments from the URLs in a text of other software. */
export function hideSecretsOfAddresses(text: string): string {
  return text.replace(/[a-z][a-z\d+.-]*:\/\/\S+/gi, hideSecrets);
}

/** Also handles text that is not a valid URL, because a typing mistake must not reveal a password. */
function hideSecrets(address: string): string {
  return address.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1…@').replace(/[?#].*$/s, '?…');
}
