/** Which `WWW-Authenticate` does an error deserve? RFC 6750 section 3, RFC 9110 section 11.6.1. */
import { AuthError, InvalidRequestError, MissingTokenError, TokenError } from './auth.errors.js';

/** error_description and scope may hold these characters only (RFC 6750 section 3). */
const NOT_QUOTABLE = /[^\x20-\x21\x23-\x5B\x5D-\x7E]/g;

function parameter(name: string, value: string): string {
  return `${name}="${value.replace(NOT_QUOTABLE, '')}"`;
}

/**
 * The challenge for an error, or `undefined` where a challenge would mislead (5xx: the token was not at fault).
 *
 * @param scopes what the route asks for, named to a client that lacks it
 */
export function challengeFor(error: AuthError, scopes: readonly string[] = []): string | undefined {
  if (error instanceof MissingTokenError) return 'Bearer';
  if (error instanceof InvalidRequestError) return 'Bearer error="invalid_request"';
  if (!(error instanceof TokenError)) return undefined;

  const parameters =
    error.status === 401
      ? [parameter('error', 'invalid_token'), parameter('error_description', error.message)]
      : [parameter('error', 'insufficient_scope')];
  if (error.status === 403 && scopes.length > 0) parameters.push(parameter('scope', scopes.join(' ')));
  return `Bearer ${parameters.join(', ')}`;
}
