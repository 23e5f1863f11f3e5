/** Builds the `WWW-Authenticate` challenges for an error. RFC 6750 section 3, RFC 9449 section 7.1, RFC 9728 section 5.1. */
import type { AuthError, ChallengeParameters } from './auth.errors.js';

/** The characters that `error_description` and `scope` must not contain (RFC 6750 section 3). */
const NOT_QUOTABLE = /[^\x20-\x21\x23-\x5B\x5D-\x7E]/g;

/** What a client can present instead. */
export interface Offer {
  /** The accepted schemes, in order of preference. */
  readonly schemes: readonly ('Bearer' | 'DPoP')[];
  /** The scheme that the caller used. The challenge of that scheme contains the error. */
  readonly presented: 'Bearer' | 'DPoP' | undefined;
  /** For the scheme DPoP: the accepted algorithms of a proof, separated by spaces. */
  readonly algs: string;
  /** The scopes that the route requires. */
  readonly scopes: readonly string[];
  /** The URL of the metadata that a client needs to get a token (RFC 9728 section 5.1). */
  readonly resourceMetadata: string | undefined;
}

/** Returns one challenge per scheme; none if the token is not the cause of the error (such as 5xx). */
export function challengesFor(
  error: AuthError,
  { schemes, presented, algs, scopes, resourceMetadata }: Offer,
): readonly string[] {
  const parameters = error.challengeParameters;
  if (!parameters) return [];
  const [preferred = 'Bearer'] = schemes;
  const told = parameters.length === 0 ? undefined : (presented ?? preferred);
  const named = told === undefined ? schemes : [told, ...schemes.filter((scheme) => scheme !== told)];
  return named.map((scheme) =>
    challenge(scheme, [
      ...(scheme === told ? parameters : []),
      // A client without a token gets the scopes to request, if the metadata tells it where to request them.
      ...(told === undefined && resourceMetadata !== undefined && scopes.length > 0
        ? ([['scope', scopes.join(' ')]] as const)
        : []),
      ...(scheme === 'DPoP' ? ([['algs', algs]] as const) : []),
      ...(resourceMetadata === undefined ? [] : ([['resource_metadata', resourceMetadata]] as const)),
    ]),
  );
}

function challenge(scheme: string, parameters: ChallengeParameters): string {
  if (parameters.length === 0) return scheme;
  return `${scheme} ${parameters.map(([name, value]) => `${name}="${value.replace(NOT_QUOTABLE, '')}"`).join(', ')}`;
}
