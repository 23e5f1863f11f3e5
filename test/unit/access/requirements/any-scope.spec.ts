/** One of the scopes is held. */
import { AnyScope, AnyScopeRequirement } from '../../../../lib/access/requirements/any-scope.js';
import { contextWith, declaredBy, tokenWith } from '../../../support/requirements.js';

describe('any of some scopes', () => {
  const requirement = (): AnyScopeRequirement => new AnyScopeRequirement(['read', 'manage']);
  const denial = (scope: string): unknown =>
    requirement().check(tokenWith({ scope }), contextWith({ scopes: ['read'] }));

  it('must be held; the first one is named', () => {
    expect([denial('read'), denial('other manage')]).toEqual([undefined, undefined]);
    expect(denial('reads')).toMatchObject({
      code: 'insufficient_scope',
      detail: 'needs any of the scopes read manage',
      scopes: ['read'],
    });
    expect(requirement()).toMatchObject({ scopes: ['read'], alternatives: ['read', 'manage'] });
  });

  it('is described', () => {
    expect(requirement().describe()).toBe('any scope of read manage');
    expect(new AnyScopeRequirement(['read']).describe()).toBe('scope read');
  });

  it('is declared by the decorator', () => {
    expect(declaredBy(AnyScope('read', 'manage')).describe(contextWith().groupOptions)).toBe(
      'any scope of read manage',
    );
  });
});
