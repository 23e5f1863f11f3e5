/** How the requirements of a route are joined, ordered and remembered. */
import { accessOf, authorize, checkAccess } from '../../../lib/access/authorize.js';
import type { Denial, Requirement } from '../../../lib/access/requirement.js';
import { AnyScopeRequirement } from '../../../lib/access/requirements/any-scope.js';
import { ClaimsRequirement } from '../../../lib/access/requirements/require-claims.js';
import { GroupsRequirement } from '../../../lib/access/requirements/groups.js';
import { ScopesRequirement } from '../../../lib/access/requirements/scopes.js';
import { TokenError } from '../../../lib/errors/auth.errors.js';
import { contextWith, tokenWith } from '../../support/requirements.js';

const groupOptions = { groupsClaim: 'groups', matchAll: false };
const options = { groupOptions, clockSkew: 0, clockTolerance: 300 };

class Probe implements Requirement {
  readonly kind = 'probe';
  readonly decorator = '@Probe()';
  checked = 0;

  constructor(
    readonly phase: Requirement['phase'],
    private readonly answer: () => Denial | Promise<Denial> = () => undefined,
    readonly isVolatile = false,
  ) {}

  check(): Denial | Promise<Denial> {
    this.checked++;
    return this.answer();
  }

  describe(): string {
    return 'probe';
  }
}

describe('the requirements of a route', () => {
  it('are joined where they can be: scopes add up, groups must each hold', () => {
    const { requirements, scopes } = accessOf({
      requirements: [
        new ScopesRequirement(['a', 'b']),
        new GroupsRequirement({ groups: ['g'] }),
        new ScopesRequirement(['b', 'c']),
        new GroupsRequirement({ groups: ['h'] }),
      ],
    });
    expect(scopes).toEqual(['a', 'b', 'c']);
    expect(requirements.map((each) => each.describe(groupOptions))).toEqual([
      'scopes a b c',
      'group g',
      'group h',
    ]);
  });

  it('are joined once for each route', () => {
    const route = { requirements: [new ScopesRequirement(['a'])] };
    expect(accessOf(route)).toBe(accessOf(route));
    expect(accessOf({ ...route })).not.toBe(accessOf(route));
  });

  it('name the scopes for a challenge, and every scope that may help', () => {
    const { scopes, mentionedScopes } = accessOf({
      requirements: [
        new GroupsRequirement({ groups: ['g'] }),
        new AnyScopeRequirement(['b', 'c']),
        new ScopesRequirement(['a', 'b']),
      ],
    });
    expect([scopes, mentionedScopes]).toEqual([
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]);
    expect(accessOf({ requirements: [] })).toMatchObject({ scopes: [], mentionedScopes: [], isStable: true });
  });

  it('are checked in the order scopes, permissions, authentication, up to the first denial', async () => {
    const denial = new TokenError('insufficient_groups');
    const [last, denied, first] = [
      new Probe('authentication'),
      new Probe('claims', () => Promise.resolve(denial)),
      new Probe('scopes'),
    ];
    const policy = { requirements: [last, denied, first] };
    await expect(checkAccess(tokenWith({}), policy, options)).resolves.toBe(denial);
    expect([first.checked, denied.checked, last.checked]).toEqual([1, 1, 0]);
  });

  it('goes on after an answer that had to be waited for', async () => {
    const late = new TokenError('insufficient_scope');
    const policy = {
      requirements: [
        new Probe('scopes', () => Promise.resolve(undefined)),
        new Probe('claims', () => Promise.resolve(undefined)),
        new Probe('authentication', () => late),
      ],
    };
    await expect(checkAccess(tokenWith({}), policy, options)).resolves.toBe(late);
  });

  it('are not checked again for a token that met them, unless they depend on more than the token', () => {
    const [stable, volatile] = [new Probe('scopes'), new Probe('scopes', () => undefined, true)];
    for (const [probe, times] of [
      [stable, 1],
      [volatile, 2],
    ] as const) {
      const [token, policy] = [tokenWith({}), { requirements: [probe] }];
      expect(checkAccess(token, policy, options)).toBeUndefined();
      expect(checkAccess(token, policy, options)).toBeUndefined();
      expect(probe.checked).toBe(times);
    }
  });

  it('are all checked again where one of them depends on more than the token', () => {
    const [stable, volatile] = [new Probe('scopes'), new Probe('claims', () => undefined, true)];
    const [token, policy] = [tokenWith({}), { requirements: [stable, volatile] }];
    expect([1, 2, 3].map(() => checkAccess(token, policy, options))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([stable.checked, volatile.checked]).toEqual([3, 3]);
  });

  it('deny a token again that they have denied', () => {
    const [token, policy] = [tokenWith({ scope: 'b' }), { requirements: [new ScopesRequirement(['a'])] }];
    for (let i = 0; i < 3; i++)
      expect(checkAccess(token, policy, options)).toMatchObject({ code: 'insufficient_scope' });
  });

  it('deny a token again that a later one has denied, after an answer that had to be waited for', async () => {
    const denial = new TokenError('insufficient_groups');
    const policy = {
      requirements: [
        new Probe('scopes', () => Promise.resolve(undefined)),
        new Probe('claims', () => denial),
      ],
    };
    const token = tokenWith({});
    for (let i = 0; i < 3; i++) await expect(checkAccess(token, policy, options)).resolves.toBe(denial);
  });

  it('throw the denial, for those who do not ask for it', async () => {
    const policy = { requirements: [new ScopesRequirement(['a'])] };
    await expect(authorize(tokenWith({}), policy, options)).rejects.toMatchObject({ scopes: ['a'] });
    await expect(authorize(tokenWith({ scope: 'a' }), policy, options)).resolves.toBeUndefined();
  });

  it('are checked again for another route, and after a denial', () => {
    const token = tokenWith({ scope: 'a' });
    const [a, b] = [
      { requirements: [new ScopesRequirement(['a'])] },
      { requirements: [new ScopesRequirement(['b'])] },
    ];
    expect(checkAccess(token, a, options)).toBeUndefined();
    expect(checkAccess(token, b, options)).toMatchObject({ code: 'insufficient_scope', scopes: ['b'] });
    expect(checkAccess(token, a, options)).toBeUndefined();
    expect(checkAccess(token, b, options)).toMatchObject({ code: 'insufficient_scope' });
  });

  it('hold for nobody where a list of groups is empty', () => {
    const policy = { requirements: [new GroupsRequirement({ groups: [], matchAll: true })] };
    expect(checkAccess(tokenWith({ groups: ['g'] }), policy, options)).toMatchObject({
      code: 'insufficient_groups',
    });
  });
});

describe('the claims that a route requires', () => {
  it('leave no rejection unhandled where a later function throws at once', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const requirement = new ClaimsRequirement({
      first: () => Promise.reject(new Error('the database is down')),
      second: () => {
        throw new TypeError('no such claim');
      },
    });
    expect(() => requirement.check(tokenWith({}), contextWith())).toThrow('no such claim');
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});
