import { declares, type GroupRequirement } from './declarations.js';

export interface GroupsDecoratorOptions {
  /** All of the groups instead of any of them. @default the module's `groupOptions.matchAll` */
  readonly matchAll?: boolean;
  /** The claim to read, for this route. @default the module's `groupOptions.groupsClaim` */
  readonly groupsClaim?: string;
}

/**
 * The token must name any of these groups; all of them with `matchAll`. Several decorators, also one on the class and
 * one on the handler, must each hold.
 *
 * @throws {TypeError} where the decorator stands, for no group or for one that is not a string
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
  const requirement: GroupRequirement = { groups: Object.freeze([...groups] as string[]), ...options };
  return declares(Object.freeze({ kind: 'groups', ...requirement }));
}
