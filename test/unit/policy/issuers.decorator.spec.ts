import { ownDeclarations } from '../../../lib/policy/declarations.js';
import { Issuers } from '../../../lib/policy/issuers.decorator.js';

describe('@Issuers()', () => {
  it('declares its issuers, which nobody can change', () => {
    @Issuers('staff', 'https://guests.example')
    class Orders {}
    const [declaration] = ownDeclarations(Orders);
    expect(declaration).toEqual({ kind: 'issuers', issuers: ['staff', 'https://guests.example'] });
    expect(Object.isFrozen(declaration?.kind === 'issuers' && declaration.issuers)).toBe(true);
  });

  it.each<[unknown[], string]>([
    [[], '[]'],
    [[''], '[""]'],
    [['staff', ''], '["staff",""]'],
    [['staff', ['guests']], '["staff",["guests"]]'],
  ])('throws where it stands for %j', (issuers, quoted) => {
    const decorate = (): unknown => Reflect.apply(Issuers, undefined, issuers);
    expect(decorate).toThrow(TypeError);
    expect(decorate).toThrow(`@Issuers() needs at least one issuer, each a string; got ${quoted}`);
  });
});
