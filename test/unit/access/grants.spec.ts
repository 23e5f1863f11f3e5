import { scopesOf } from '../../../lib/access/grants.js';
import type { AccessTokenClaims } from '../../../lib/token/access-token-claims.js';

describe('scopesOf', () => {
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
