/** May this token do this? RFC 6750 section 3.1 (`insufficient_scope`). Pure and synchronous. */
import { TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { GroupRequirement } from '../route/declarations.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import { groupsOf, hasGroupsElsewhere, scopesOf } from './grants.js';

export interface GroupOptions {
  /**
   * The claim with the groups. A dotted path reaches into objects (`realm_access.roles`); a claim whose own name is
   * the whole string wins.
   *
   * @default 'groups'
   */
  readonly groupsClaim: string;
  /**
   * `@Groups` asks for all of the groups that it lists instead of any of them.
   *
   * @default false
   */
  readonly matchAll: boolean;
}

export interface AccessRequirement {
  readonly scopes: readonly string[];
  readonly groups: readonly GroupRequirement[];
}

/** Throws unless the token holds all scopes and satisfies each group requirement. */
export function authorize(
  claims: AccessTokenClaims,
  { scopes, groups }: AccessRequirement,
  options: GroupOptions,
): void {
  if (scopes.length > 0) requireScopes(scopes, scopesOf(claims));
  for (const requirement of groups) requireGroups(claims, requirement, options);
}

function requireScopes(scopes: readonly string[], held: ReadonlySet<string>): void {
  const missing = scopes.find((scope) => !held.has(scope));
  if (missing === undefined) return;
  const all = scopes.filter((scope) => !held.has(scope));
  throw new TokenError('insufficient_scope', { detail: `missing scope: ${all.join(' ')}` });
}

function requireGroups(
  claims: AccessTokenClaims,
  requirement: GroupRequirement,
  options: GroupOptions,
): void {
  const { groups, matchAll = options.matchAll, groupsClaim = options.groupsClaim } = requirement;
  const held = groupsOf(claims, groupsClaim);
  const isMember = (group: string): boolean => held.has(group);
  // An empty requirement holds for nobody.
  if (groups.length > 0 && (matchAll ? groups.every(isMember) : groups.some(isMember))) return;

  const why = hasGroupsElsewhere(claims)
    ? 'the provider left the groups out of the token because there are too many (overage)'
    : `the token holds ${held.size} in ${quoteForeign(groupsClaim)}, and these do not do`;
  throw new TokenError('insufficient_groups', {
    detail: `needs ${matchAll ? 'all' : 'any'} of ${groups.map(quoteForeign).join(', ')}; ${why}`,
  });
}
