/** The policy of a handler with what access/ makes of its requirements. */
import { accessOf } from '../../lib/access/authorize.js';
import type { GroupRequirement } from '../../lib/access/requirement.js';
import type { RoutePolicy } from '../../lib/policy/route-policy.js';

export interface Required extends RoutePolicy {
  readonly scopes: readonly string[];
  readonly groups: readonly GroupRequirement[];
}

export function requiredBy(policy: RoutePolicy): Required {
  const { scopes, requirements } = accessOf(policy);
  return { ...policy, scopes, groups: requirements.flatMap(({ groups }) => groups ?? []) };
}
