import { ownDeclarations } from '../../../lib/policy/declarations.js';
import { Introspect, type IntrospectDecoratorOptions } from '../../../lib/policy/introspect.decorator.js';

describe('@Introspect()', () => {
  it.each<[IntrospectDecoratorOptions | undefined, number]>([
    [undefined, 0],
    [{}, 0],
    [{ maxAge: 0 }, 0],
    [{ maxAge: 10 }, 10],
    [{ maxAge: Infinity }, Infinity],
  ])('with %j declares the age of an answer in seconds', (options, maxAge) => {
    @Introspect(options)
    class Orders {}
    expect(ownDeclarations(Orders)).toEqual([{ kind: 'introspect', maxAge }]);
  });

  it.each([-1, Number.NaN, '10', null])('throws where it stands for %j', (maxAge) => {
    const decorate = (): unknown => Introspect({ maxAge: maxAge as number });
    expect(decorate).toThrow(TypeError);
    expect(decorate).toThrow(`@Introspect(): maxAge ${String(maxAge)} is not a number of seconds`);
  });

  it('throws for an option that does not exist', () => {
    expect(() => Introspect({ maxage: 10 } as never)).toThrow(
      new TypeError('@Introspect(): maxage is not an option'),
    );
  });
});
