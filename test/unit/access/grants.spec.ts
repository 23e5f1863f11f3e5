/** The scopes and groups that a token holds, in every shape that providers send them in. */
import { groupsOf, hasGroupsElsewhere, scopesOf } from '../../../lib/access/grants.js';
import { freezeClaims, type AccessTokenClaims } from '../../../lib/token/access-token-claims.js';
import { tokenWith } from '../../support/requirements.js';

describe('the scopes of a token', () => {
  it.each<[claims: Record<string, unknown>, scopes: string[]]>([
    [{}, []],
    [{ scope: '' }, []],
    [{ scope: ' ' }, []],
    [{ scope: 'read' }, ['read']],
    [{ scope: ' read  write ' }, ['read', 'write']],
    [{ scope: 'read\twrite' }, ['read\twrite']],
    [{ scp: 'read write' }, ['read', 'write']],
    [{ scp: ['read', 'write'] }, ['read', 'write']],
    [{ scope: 'read', scp: ['write', 'read'] }, ['read', 'write']],
    [{ scope: ['read write', '', 'admin'] }, ['read', 'write', 'admin']],
    [{ scope: [7, null, ['read'], { read: true }, 'write'] }, ['write']],
    [{ scope: 7 }, []],
    [{ scope: null, scp: { read: true } }, []],
  ])('with %j are %j', (claims, scopes) => {
    expect([...scopesOf(tokenWith(claims))]).toEqual(scopes);
  });

  it('are read once', () => {
    const token = tokenWith({ scope: 'read' });
    expect(scopesOf(token)).toBe(scopesOf(token));
  });
});

describe('the groups of a token', () => {
  it.each<[claim: unknown, groups: string[]]>([
    [undefined, []],
    [null, []],
    [7, []],
    [true, []],
    ['', ['']],
    ['staff', ['staff']],
    ['staff,admin ops', ['staff,admin ops']],
    [[], []],
    [
      ['staff', 'staff', 'admin'],
      ['staff', 'admin'],
    ],
    [['staff', 7, null, true, ['admin'], { name: 7, id: null }, {}], ['staff']],
    [
      [{ name: 'admin' }, { id: '17' }, { id: '18', name: 'ops' }],
      ['admin', '17', 'ops', '18'],
    ],
    [[{ display: 'admin' }], []],
    [{}, []],
    [{ admin: { 1234: 'acme.example.com' }, ops: { 1234: 'acme.example.com' } }, ['admin', 'ops']],
    [{ admin: { 1234: 'acme.example.com' }, ops: {} }, []],
    [{ admin: { 1234: 'acme.example.com' }, ops: ['1234'] }, []],
    [{ admin: { 1234: 'acme.example.com' }, ops: 'acme.example.com' }, []],
    [{ admin: true }, []],
    [{ admin: null }, []],
  ])('in %j are %j', (groups, held) => {
    expect([...groupsOf(tokenWith({ groups }), 'groups')]).toEqual(held);
  });

  it('are those of the claim that is asked for, each read once', () => {
    const token = tokenWith({ groups: ['staff'], realm_access: { roles: ['admin'] } });
    const [groups, roles] = [groupsOf(token, 'groups'), groupsOf(token, 'realm_access.roles')];
    expect([[...groups], [...roles]]).toEqual([['staff'], ['admin']]);
    expect(groupsOf(token, 'groups')).toBe(groups);
    expect(groupsOf(token, 'realm_access.roles')).toBe(roles);
  });
});

it.each<[claims: Record<string, unknown>, elsewhere: boolean]>([
  [{}, false],
  [{ groups: [] }, false],
  [{ hasgroups: true }, true],
  [{ _claim_names: { groups: 'src1' } }, true],
  [{ _claim_names: { roles: 'src1' } }, false],
  [{ _claim_names: 'groups' }, false],
])('groups of %j are elsewhere: %p', (claims, elsewhere) => {
  expect(hasGroupsElsewhere(freezeClaims({ iss: 'https://issuer.example', ...claims }))).toBe(elsewhere);
});

describe('the set of scopes', () => {
  const held = (claims: object): ReadonlySet<string> =>
    scopesOf({ claims: claims as AccessTokenClaims, scopes: undefined });

  it('is one set for all tokens of the same scopes, so that thousands of them take little memory', () => {
    const one = held({ scope: 'read write' });
    expect([...one]).toEqual(['read', 'write']);
    expect(held({ scope: 'read write', sub: 'b' })).toBe(one);
    expect([...held({ scope: 'read' })]).toEqual(['read']);
  });

  it('does not mistake one claim for the other, nor a list for a string', () => {
    held({ scope: 'read' });
    expect([...held({ scope: 'read', scp: 'admin' })]).toEqual(['read', 'admin']);
    expect([...held({ scope: 'read' })]).toEqual(['read']);
    expect([...held({ scp: 'read' })]).toEqual(['read']);
    expect([...held({ scope: ['read', 'write'] })]).toEqual(['read', 'write']);
    expect([...held({ scope: ['read write'] })]).toEqual(['read', 'write']);
    expect([...held({ scope: 7 })]).toEqual([]);
  });

  it('shares none of a scope that is long', () => {
    const scope = `${'a'.repeat(600)} b`;
    expect(held({ scope })).not.toBe(held({ scope }));
    expect(held({ scope })).toContain('b');
  });
});
