/** Builds the response for a rejected caller, independent of the transport that sends it. */
import { AuthError } from './auth.errors.js';
import { challengesFor, type Offer } from './challenge.js';

const MESSAGES = {
  400: 'bad request',
  401: 'unauthorized',
  403: 'forbidden',
  500: 'internal server error',
  503: 'service unavailable',
} as const;

export interface Refusal {
  readonly statusCode: keyof typeof MESSAGES;
  /** The fixed text for the status. */
  readonly message: string;
  /** A code of RFC 6750, RFC 9449 or RFC 6749; without a token `missing_token`. */
  readonly errorCode: string;
  /** Headers of an HTTP response: `WWW-Authenticate`, `Retry-After`, `DPoP-Nonce`. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The error itself, for filters and logs. Never sent. */
  readonly cause: unknown;
}

/** Returns the refusal for an error. An error that is not an {@link AuthError} is an internal error: 500. */
export function refusalFor(error: unknown, offer: () => Offer): Refusal {
  if (!(error instanceof AuthError)) {
    return { statusCode: 500, message: MESSAGES[500], errorCode: 'server_error', headers: {}, cause: error };
  }
  const { status: statusCode, errorCode, headers } = error;
  const challenges = error.challengeParameters ? challengesFor(error, offer()) : [];
  return {
    statusCode,
    message: MESSAGES[statusCode],
    errorCode,
    headers: {
      ...(challenges.length === 1 && challenges[0] !== undefined && { 'WWW-Authenticate': challenges[0] }),
      ...(challenges.length > 1 && { 'WWW-Authenticate': challenges }),
      ...headers,
    },
    cause: error,
  };
}
