/** The policies of all methods of a class as they are called, and what is wrong with them. */
import { CertBound } from '../../../lib/policy/cert-bound.decorator.js';
import { Public } from '../../../lib/policy/public.decorator.js';
import { Scopes } from '../../../lib/access/requirements/scopes.js';
import { checkHandlers, type CheckedHandlers } from '../../../lib/policy/check-handlers.js';
import { isRegisteredClass } from '../../../lib/policy/handlers.js';
import type { Controller } from '../../../lib/policy/levels.js';

const accessOf = ({ policies }: CheckedHandlers): unknown =>
  policies.map(({ place, policy: { access, certificateBound } }) => [place, access, certificateBound]);

class Orders {
  list(): void {}
  @Public() open(): void {}
  @CertBound() bound(): void {}
}

describe('checkHandlers', () => {
  it('compiles the policy of each method, and registers the class', () => {
    class Fresh extends Orders {}
    expect(isRegisteredClass(Fresh)).toBe(false);
    const checked = checkHandlers(Fresh, new Fresh());
    expect(accessOf(checked)).toEqual([
      ['Fresh.list', 'protected', false],
      ['Fresh.open', 'public', false],
      ['Fresh.bound', 'protected', true],
    ]);
    expect(checked.problems).toEqual([]);
    expect(isRegisteredClass(Fresh)).toBe(true);
  });

  it.each([undefined, null, 'no instance'])(
    'reads the class where there is no instance yet: %p',
    (instance) => {
      expect(accessOf(checkHandlers(Orders, instance))).toHaveLength(3);
    },
  );

  it('reads what stands on the instance', () => {
    class Rebinding extends Orders {
      override readonly bound = super.bound.bind(this);
    }
    class Partial extends Orders {}
    const partial = Object.assign(new Partial(), { open: 'no method any more' });
    expect(accessOf(checkHandlers(Rebinding, new Rebinding()))).toContainEqual([
      'Rebinding.bound',
      'protected',
      true,
    ]);
    const checked = checkHandlers(Partial, partial);
    expect(accessOf(checked)).toEqual([
      ['Partial.list', 'protected', false],
      ['Partial.bound', 'protected', true],
    ]);
    expect(checked.problems).toEqual([]);
  });

  it('tells each problem once, and goes on', () => {
    @Public()
    @Scopes('a')
    class Contradicting extends Orders {}
    const { policies, problems } = checkHandlers(Contradicting, new Contradicting());
    expect(policies).toEqual([]);
    expect(problems).toEqual([
      'Contradicting: @Public() requires no token, @Scopes() requires one; remove one of them',
    ]);
    class Half {
      @Public() @Scopes('a') list(): void {}
      @Public() open(): void {}
    }
    const half = checkHandlers(Half, new Half());
    expect(accessOf(half)).toEqual([['Half.open', 'public', false]]);
    expect(half.problems).toHaveLength(1);
  });

  it('does not swallow what is no mistake in the configuration', () => {
    const instance = new Orders();
    let reads = 0;
    Object.defineProperty(instance, 'list', {
      get: () => {
        // The registration reads it first.
        if (++reads > 1) throw new RangeError('of the application');
        return Orders.prototype.list;
      },
    });
    expect(() => checkHandlers(Orders, instance)).toThrow(RangeError);
  });

  const changing = (controller: Controller & { readonly prototype: object }): object =>
    Object.create(controller.prototype, {
      list: { get: () => () => undefined },
    }) as object;

  it('rejects a method that is another function each time, where it matters which one is called', () => {
    expect(checkHandlers(Orders, changing(Orders)).problems).toEqual([
      'Orders.list: the instance returns another function each time, so its decorators cannot be applied',
    ]);
    class Silent {
      list(): void {}
    }
    const silent = checkHandlers(Silent, changing(Silent));
    expect(silent.problems).toEqual([]);
    expect(accessOf(silent)).toEqual([['Silent.list', 'protected', false]]);
  });

  it('rejects instances of another class whose decorators differ', () => {
    @Public()
    class Base {
      list(): void {}
    }
    class Open extends Base {}
    class Same extends Base {}
    @CertBound()
    class Other extends Orders {}
    const PROBLEM = 'Open.list: Open creates instances of another class whose decorators differ';
    expect(checkHandlers(Open, new Same()).problems).toEqual([]);
    // What guards are told of is the class of the instance.
    expect(checkHandlers(Open, new Other()).problems).toEqual([PROBLEM]);
    class Silent {
      list(): void {}
    }
    for (const controller of [Open, Silent]) {
      const noClass = Object.assign(Object.create(controller.prototype) as object, { constructor: {} });
      expect(checkHandlers(controller, noClass).problems).toEqual([
        `${controller.name}.list: ${controller.name} creates instances of another class whose decorators differ`,
      ]);
    }
  });
});
