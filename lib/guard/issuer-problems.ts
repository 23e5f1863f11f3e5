/** Finds what a route asks of issuers and audiences that are not configured so. */
import { isNamed } from '../access/recipient.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import type { RoutePolicy } from '../policy/route-policy.js';

/** Where the application names issuers at the request, nothing is known at start. */
export function issuerProblems(
  { issuers: lists, audience, introspectMaxAge }: RoutePolicy,
  { issuers, findIssuer, clientId, opaqueTokenIssuer }: ResolvedOptions,
): readonly string[] {
  if (findIssuer) {
    // Answers may introspect only with it.
    return introspectMaxAge !== undefined && clientId === undefined && !opaqueTokenIssuer
      ? ['@Introspect() needs introspection: configure clientId and clientSecret']
      : [];
  }
  const unknown = lists.flat().filter((name) => !issuers.some((issuer) => isNamed(issuer, [name])));
  if (unknown.length > 0)
    return unknown.map((name) => `@Issuers(): no issuer ${quoteForeign(name)} is configured`);
  const accepted = issuers.filter((issuer) => lists.every((names) => isNamed(issuer, names)));
  if (accepted.length === 0)
    return ['@Issuers() of class and handler have nobody in common, so that no token is accepted'];

  const problems: string[] = [];
  if (audience !== undefined && !accepted.some((issuer) => [issuer.audience].flat().includes(audience)))
    problems.push(`@Audience(): no issuer is configured with the audience ${quoteForeign(audience)}`);
  const silent = accepted.filter((issuer) => issuer.clientId === undefined);
  if (introspectMaxAge !== undefined && silent.length > 0) {
    const whose =
      issuers.length === 1 ? '' : ` for ${silent.map(({ name }) => quoteForeign(name)).join(', ')}`;
    problems.push(`@Introspect() needs introspection: configure clientId and clientSecret${whose}`);
  }
  return problems;
}
