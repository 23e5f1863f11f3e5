import { Audience } from '../../../lib/policy/audience.decorator.js';
import { ownDeclarations } from '../../../lib/policy/declarations.js';

describe('@Audience()', () => {
  it('declares its audience', () => {
    @Audience('https://a')
    class Invoices {}
    expect(ownDeclarations(Invoices)).toEqual([{ kind: 'audience', audience: 'https://a' }]);
  });

  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    ['', '""'],
    [['https://a'], '["https://a"]'],
  ])('throws where it stands for %j', (audience, quoted) => {
    const decorate = (): unknown => Audience(audience as string);
    expect(decorate).toThrow(TypeError);
    expect(decorate).toThrow(`@Audience() needs an audience; got ${quoted}`);
  });
});
