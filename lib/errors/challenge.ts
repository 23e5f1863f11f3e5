/** Which `WWW-Authenticate` does an error deserve? RFC 6750 section 3, RFC 9449 section 7.1, RFC 9728 section 5.1. */
import { AuthError, InvalidRequestError, MissingTokenError, TokenError } from './auth.errors.js';

/** error_description and scope may hold these characters only (RFC 6750 section 3). */
const NOT_QUOTABLE = /[^\x20-\x21\x23-\x5B\x5D-\x7E]/g;

export interface Offer {
  /** What the route asks for, named to a client that lacks it. */
  readonly scopes: readonly string[];
  /** The schemes that would do, in order of preference. */
  readonly schemes: readonly ('Bearer' | 'DPoP')[];
  /** What the caller used; the error is told in that scheme's challenge. */
  readonly presented: 'Bearer' | 'DPoP' | undefined;
  /** For the scheme DPoP: the algorithms of a proof, between spaces. */
  readonly algs: string;
  /** Where a client reads what it needs to get a token (RFC 9728 section 5.1). */
  readonly resourceMetadata: string | undefined;
}

type Parameters = readonly (readonly [name: string, value: string])[];

/** The challenges for an error, one per scheme; none where one would mislead (5xx: the token was not at fault). */
export function challengesFor(
  error: AuthError,
  { scopes, schemes, presented, algs, resourceMetadata }: Offer,
): readonly string[] {
  const parameters = parametersFor(error, scopes);
  if (!parameters) return [];
  const [preferred = 'Bearer'] = schemes;
  const told = parameters.length === 0 ? undefined : (presented ?? preferred);
  const named = told === undefined ? schemes : [told, ...schemes.filter((scheme) => scheme !== told)];
  return named.map((scheme) =>
    challenge(scheme, [
      ...(scheme === told ? parameters : []),
      ...(scheme === 'DPoP' ? ([['algs', algs]] as const) : []),
      ...(resourceMetadata === undefined ? [] : ([['resource_metadata', resourceMetadata]] as const)),
    ]),
  );
}

/** `undefined`: no challenge at all. Empty: one that names no error (RFC 6750 section 3.1). */
function parametersFor(error: AuthError, scopes: readonly string[]): Parameters | undefined {
  if (error instanceof MissingTokenError) return [];
  if (error instanceof InvalidRequestError) return [['error', error.code]];
  if (error.status === 403) {
    const scope = scopes.length > 0 ? ([['scope', scopes.join(' ')]] as const) : [];
    return [['error', 'insufficient_scope'], ...scope];
  }
  if (error.status !== 401) return undefined;
  const code = error instanceof TokenError ? 'invalid_token' : error.code;
  return [
    ['error', code],
    ['error_description', error.message],
  ];
}

function challenge(scheme: string, parameters: Parameters): string {
  if (parameters.length === 0) return scheme;
  return `${scheme} ${parameters.map(([name, value]) => `${name}="${value.replace(NOT_QUOTABLE, '')}"`).join(', ')}`;
}
