/** Finds requirements of a route for issuers, audiences and introspection that the configuration cannot satisfy. */
import { isNamed } from '../access/recipient.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import type { RoutePolicy } from '../policy/route-policy.js';

/**
 * If the application finds issuers at request time (`findIssuer`), only introspection can be checked at start-up.
 *
 * @param validatesTokens `false` if a test has replaced the guard: issuers and audiences are then those of the test
 */
export function issuerProblems(
  { issuers: lists, audience, introspectMaxAge }: RoutePolicy,
  { issuers, findIssuer, clientId, opaqueTokenIssuer }: ResolvedOptions,
  validatesTokens: boolean,
): readonly string[] {
  if (findIssuer || !validatesTokens) {
    // Issuers that `findIssuer` returns may use introspection only with `opaqueTokenIssuer`.
    return introspectMaxAge !== undefined && clientId === undefined && !opaqueTokenIssuer
      ? ['@Introspect() requires introspection: configure clientId and clientSecret']
      : [];
  }
  const unknown = lists.flat().filter((name) => !issuers.some((issuer) => isNamed(issuer, [name])));
  if (unknown.length > 0)
    return unknown.map((name) => `@Issuers(): no issuer ${quoteForeign(name)} is configured`);
  const accepted = issuers.filter((issuer) => lists.every((names) => isNamed(issuer, names)));
  if (accepted.length === 0)
    return ['@Issuers() of class and handler have no issuer in common, so no token would be accepted'];

  const problems: string[] = [];
  if (audience !== undefined && !accepted.some((issuer) => [issuer.audience].flat().includes(audience)))
    problems.push(`@Audience(): no issuer is configured with the audience ${quoteForeign(audience)}`);
  const silent = accepted.filter((issuer) => issuer.clientId === undefined);
  if (introspectMaxAge !== undefined && silent.length > 0) {
    const whose =
      issuers.length === 1 ? '' : ` for ${silent.map(({ name }) => quoteForeign(name)).join(', ')}`;
    problems.push(`@Introspect() requires introspection: configure clientId and clientSecret${whose}`);
  }
  return problems;
}
