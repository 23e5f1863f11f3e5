/** All scopes are held, or the missing ones are named. */
import { Scopes, ScopesRequirement } from '../../../../lib/access/requirements/scopes.js';
import { contextWith, declaredBy, tokenWith } from '../../../support/requirements.js';

describe('scopes', () => {
  const requirement = (): ScopesRequirement => new ScopesRequirement(['read', 'write']);
  const denial = (scope: string): unknown =>
    requirement().check(tokenWith({ scope }), contextWith({ scopes: ['read', 'write', 'more'] }));

  it('must all be held; the missing ones are named', () => {
    expect(denial('write other read')).toBeUndefined();
    expect(denial('write')).toMatchObject({
      code: 'insufficient_scope',
      detail: 'missing scope: read',
      scopes: ['read', 'write', 'more'],
    });
    expect(denial('')).toMatchObject({ detail: 'missing scope: read write' });
  });

  it('add up, each named once', () => {
    expect(requirement().combine(new ScopesRequirement(['write', 'admin'])).scopes).toEqual([
      'read',
      'write',
      'admin',
    ]);
  });

  it('are described', () => {
    expect(requirement().describe()).toBe('scopes read write');
    expect(new ScopesRequirement(['read']).describe()).toBe('scope read');
  });

  it('are kept as they were declared', () => {
    const { scopes } = declaredBy(Scopes('read', 'write'));
    expect(scopes).toEqual(['read', 'write']);
    expect(Object.isFrozen(scopes)).toBe(true);
  });
});
