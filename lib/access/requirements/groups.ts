/** Implements `@Groups()`: the token must have any, or all, of these groups. */
import { TokenError } from '../../errors/auth.errors.js';
import { quoteForeign } from '../../errors/quote-foreign.js';
import { requires } from '../../policy/declarations.js';
import type { ValidatedToken } from '../../token/validated-token.js';
import { groupsOf, hasGroupsElsewhere } from '../grants.js';
import type { AccessContext, Denial, GroupOptions, GroupRequirement, Requirement } from '../requirement.js';

export class GroupsRequirement implements Requirement {
  readonly kind = 'groups';
  readonly decorator = '@Groups()';
  readonly phase = 'groups';

  constructor(readonly groups: GroupRequirement) {}

  check(token: ValidatedToken, { groupOptions }: AccessContext): Denial {
    const { groups, matchAll = groupOptions.matchAll, groupsClaim = groupOptions.groupsClaim } = this.groups;
    const held = groupsOf(token, groupsClaim);
    const isMember = (group: string): boolean => held.has(group);
    // No token satisfies a requirement without groups.
    if (groups.length > 0 && (matchAll ? groups.every(isMember) : groups.some(isMember))) return undefined;

    const why = hasGroupsElsewhere(token.claims)
      ? 'the provider omitted the groups from the token because there are too many (overage)'
      : `the token has ${held.size} in ${quoteForeign(groupsClaim)}, none of them sufficient`;
    return new TokenError('insufficient_groups', {
      detail: `needs ${matchAll ? 'all' : 'any'} of ${groups.map(quoteForeign).join(', ')}; ${why}`,
    });
  }

  describe({ matchAll: byOptions }: Partial<GroupOptions> = {}): string {
    const { groups, matchAll = byOptions } = this.groups;
    return `${groups.length === 1 ? 'group' : 'groups'} ${groups.join(matchAll ? ' and ' : ' or ')}`;
  }
}

/** Options of {@link Groups} for one class or handler. */
export interface GroupsDecoratorOptions {
  /** `true` requires all of the groups instead of one of them. @default the module's `groupOptions.matchAll` */
  readonly matchAll?: boolean;
  /** The claim with the groups, or a dotted path to it. @default the module's `groupOptions.groupsClaim` */
  readonly groupsClaim?: string;
}

/**
 * Requires a token with at least one of these groups; with `matchAll` all of them. Each of several decorators, on the class, the
 * handler or both, must be satisfied. Otherwise the response is 403 `insufficient_scope`. Groups are compared character by character.
 *
 * Whether the user is still in the group is not checked: the token states what the issuer knew when it issued the token.
 *
 * @throws {TypeError} when the class is loaded, without a group, for one that is not a string, or for an option that does not exist
 *
 * @example
 * ```ts
 * @Delete(':id') @Groups('admin', 'ops') remove() {}
 * @Get('audit') @Groups(['auditor'], { groupsClaim: 'realm_access.roles' }) audit() {}
 * ```
 */
export function Groups(...groups: readonly [string, ...string[]]): ClassDecorator & MethodDecorator;
export function Groups(
  groups: readonly [string, ...string[]],
  options?: GroupsDecoratorOptions,
): ClassDecorator & MethodDecorator;
export function Groups(
  first: string | readonly string[],
  ...rest: readonly (string | GroupsDecoratorOptions | undefined)[]
): ClassDecorator & MethodDecorator {
  const listed = Array.isArray(first);
  const groups: readonly unknown[] = listed ? first : [first, ...rest];
  const options = (listed ? rest[0] : undefined) as GroupsDecoratorOptions | undefined;
  if (groups.length === 0 || !groups.every((group) => typeof group === 'string' && group !== '')) {
    throw new TypeError(`@Groups() needs at least one group, each a string; got ${JSON.stringify(groups)}`);
  }
  const { matchAll, groupsClaim, ...others } = options ?? {};
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`@Groups(): ${unknown} is not an option`);
  if (matchAll !== undefined && typeof matchAll !== 'boolean')
    throw new TypeError('@Groups(): matchAll is neither true nor false');
  if (groupsClaim !== undefined && (typeof groupsClaim !== 'string' || groupsClaim === ''))
    throw new TypeError('@Groups(): groupsClaim is not the name of a claim');
  const requirement: GroupRequirement = {
    groups: Object.freeze([...groups] as string[]),
    ...(matchAll !== undefined && { matchAll }),
    ...(groupsClaim !== undefined && { groupsClaim }),
  };
  return requires(new GroupsRequirement(Object.freeze(requirement)));
}
