/** Any or all groups are held, where the options or the decorator say that they stand. */
import type { GroupOptions, GroupRequirement, Requirement } from '../../../../lib/access/requirement.js';
import {
  Groups,
  GroupsRequirement,
  type GroupsDecoratorOptions,
} from '../../../../lib/access/requirements/groups.js';
import { contextWith, declaredBy, tokenWith } from '../../../support/requirements.js';

const ANY: GroupOptions = { groupsClaim: 'groups', matchAll: false };
const ALL: GroupOptions = { groupsClaim: 'roles', matchAll: true };

describe('groups', () => {
  const denial = (
    members: GroupRequirement,
    claims: Record<string, unknown>,
    groupOptions: GroupOptions = ANY,
  ): unknown => new GroupsRequirement(members).check(tokenWith(claims), contextWith({ groupOptions }));

  it('are read and counted as the options say, unless the decorator says otherwise', () => {
    const groups = ['admin', 'ops'];
    const one = { groups: ['ops'], roles: ['admin'] };
    expect(denial({ groups }, one)).toBeUndefined();
    expect(denial({ groups }, one, ALL)).toMatchObject({ code: 'insufficient_groups' });
    expect(denial({ groups, matchAll: true }, one)).toMatchObject({ code: 'insufficient_groups' });
    expect(denial({ groups, matchAll: false }, one, ALL)).toBeUndefined();
    expect(denial({ groups: ['admin'], groupsClaim: 'roles' }, one)).toBeUndefined();
    expect(denial({ groups: ['ops'], groupsClaim: 'groups' }, one, ALL)).toBeUndefined();
    expect(denial({ groups: ['ops'] }, one, ALL)).toMatchObject({ code: 'insufficient_groups' });
    expect(denial({ groups }, { roles: groups }, ALL)).toBeUndefined();
  });

  it('say what is missing', () => {
    const groups = ['admin', 'ops'];
    expect(denial({ groups }, { groups: ['staff'] })).toMatchObject({
      detail: 'needs any of "admin", "ops"; the token has 1 in "groups", none of them sufficient',
      scopes: [],
    });
    expect(denial({ groups }, { roles: ['ops', 'staff'] }, ALL)).toMatchObject({
      detail: 'needs all of "admin", "ops"; the token has 2 in "roles", none of them sufficient',
    });
    expect(denial({ groups }, { hasgroups: true })).toMatchObject({
      detail:
        'needs any of "admin", "ops"; the provider omitted the groups from the token because there are too many (overage)',
    });
  });

  it('hold for nobody where there are none', () => {
    for (const matchAll of [true, false])
      expect(denial({ groups: [], matchAll }, { groups: ['admin'] })).toBeDefined();
  });

  it('are described', () => {
    const describe = (members: GroupRequirement, options?: GroupOptions): string =>
      new GroupsRequirement(members).describe(options);
    const groups = ['admin', 'ops'];
    expect(describe({ groups: ['admin'] }, ANY)).toBe('group admin');
    expect(describe({ groups }, ANY)).toBe('groups admin or ops');
    expect(describe({ groups }, ALL)).toBe('groups admin and ops');
    expect(describe({ groups, matchAll: true }, ANY)).toBe('groups admin and ops');
    expect(describe({ groups, matchAll: false }, ALL)).toBe('groups admin or ops');
    expect(describe({ groups })).toBe('groups admin or ops');
  });
});

describe('@Groups()', () => {
  const declared = (decorator: ClassDecorator): Requirement['groups'] => declaredBy(decorator).groups;

  it('takes names or a list with options, and keeps them', () => {
    expect(declared(Groups('admin', 'ops'))).toEqual({ groups: ['admin', 'ops'] });
    const list: [string, ...string[]] = ['admin'];
    const members = declared(Groups(list, { matchAll: true, groupsClaim: 'roles' }));
    list.push('everybody');
    expect(members).toEqual({ groups: ['admin'], matchAll: true, groupsClaim: 'roles' });
    expect([Object.isFrozen(members), Object.isFrozen(members?.groups)]).toEqual([true, true]);
    expect(declared(Groups(['admin']))).toEqual({ groups: ['admin'] });
  });

  it.each<[args: unknown[], said: string]>([
    [[], '[null]'],
    [[[]], '[]'],
    [[''], '[""]'],
    [['admin', ''], '["admin",""]'],
    [['admin', { matchAll: true }], '["admin",{"matchAll":true}]'],
    [[['admin', 7]], '["admin",7]'],
  ])('refuses %j', (args, said) => {
    expect(() => (Groups as (...args: unknown[]) => unknown)(...args)).toThrow(
      new TypeError(`@Groups() needs at least one group, each a string; got ${said}`),
    );
  });

  it.each<[options: unknown, said: string]>([
    [{ machAll: true }, 'machAll is not an option'],
    [{ matchAll: true, claim: 'roles' }, 'claim is not an option'],
    ['ops', '0 is not an option'],
    [{ matchAll: 'true' }, 'matchAll is neither true nor false'],
    [{ matchAll: null }, 'matchAll is neither true nor false'],
    [{ groupsClaim: '' }, 'groupsClaim is not the name of a claim'],
    [{ groupsClaim: ['roles'] }, 'groupsClaim is not the name of a claim'],
  ])('refuses the options %j', (options, said) => {
    expect(() => Groups(['admin'], options as never)).toThrow(new TypeError(`@Groups(): ${said}`));
  });

  it('takes options that are not set', () => {
    const options = { matchAll: undefined, groupsClaim: undefined } as unknown as GroupsDecoratorOptions;
    expect(declared(Groups(['admin'], options))).toEqual({ groups: ['admin'] });
  });
});
