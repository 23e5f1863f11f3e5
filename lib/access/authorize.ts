/** May this token do this? RFC 6750 section 3.1 (`insufficient_scope`). Pure and synchronous. */
import { TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { GroupRequirement } from '../policy/declarations.js';
import type { ValidatedToken } from '../token/validated-token.js';
import { groupsOf, hasGroupsElsewhere, scopesOf } from './grants.js';

export interface GroupOptions {
  /**
   * The claim with the groups. A dotted path reaches into objects (`realm_access.roles`), a name in brackets is one name
   * (`resource_access["orders.api"].roles`); a claim whose own name is the whole string wins. See
   * [scopes and groups](docs/scopes-and-groups.md).
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
  token: ValidatedToken,
  requirement: AccessRequirement,
  options: GroupOptions,
): void {
  const denial = checkAccess(token, requirement, options);
  if (denial) throw denial;
}

/**
 * What the token lacks: a scope, or what a group requirement asks for. `undefined` if it lacks nothing.
 *
 * Not thrown, as throwing costs more than finding out. What a token was found to meet, it meets: the requirement (a
 * route's is one object) and the options must not change.
 */
export function checkAccess(
  token: ValidatedToken,
  requirement: AccessRequirement,
  options: GroupOptions,
): TokenError | undefined {
  if (token.met === requirement) return undefined;
  const denial = checkScopes(token, requirement.scopes) ?? checkGroups(token, requirement, options);
  if (!denial) token.met = requirement;
  return denial;
}

function checkScopes(token: ValidatedToken, scopes: readonly string[]): TokenError | undefined {
  if (scopes.length === 0) return undefined;
  const held = scopesOf(token);
  const missing = scopes.filter((scope) => !held.has(scope));
  if (missing.length === 0) return undefined;
  return new TokenError('insufficient_scope', { detail: `missing scope: ${missing.join(' ')}`, scopes });
}

function checkGroups(
  token: ValidatedToken,
  { groups }: AccessRequirement,
  options: GroupOptions,
): TokenError | undefined {
  for (const each of groups) {
    const denial = checkGroup(token, each, options);
    if (denial) return denial;
  }
  return undefined;
}

function checkGroup(
  token: ValidatedToken,
  requirement: GroupRequirement,
  options: GroupOptions,
): TokenError | undefined {
  const { groups, matchAll = options.matchAll, groupsClaim = options.groupsClaim } = requirement;
  const held = groupsOf(token, groupsClaim);
  const isMember = (group: string): boolean => held.has(group);
  // An empty requirement holds for nobody.
  if (groups.length > 0 && (matchAll ? groups.every(isMember) : groups.some(isMember))) return undefined;

  const why = hasGroupsElsewhere(token.claims)
    ? 'the provider left the groups out of the token because there are too many (overage)'
    : `the token holds ${held.size} in ${quoteForeign(groupsClaim)}, and these do not do`;
  return new TokenError('insufficient_groups', {
    detail: `needs ${matchAll ? 'all' : 'any'} of ${groups.map(quoteForeign).join(', ')}; ${why}`,
  });
}
