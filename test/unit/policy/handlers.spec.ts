/** Which methods of its class a function is, whatever it is called. */
import 'reflect-metadata';
import { methodsOf, registerHandlers } from '../../../lib/policy/handlers.js';

class Base {
  list(): void {}
  remove(): void {}
}
class Derived extends Base {
  override list(): void {}
}

describe('methodsOf', () => {
  it('finds methods, inherited and overridden ones', () => {
    expect(methodsOf(Derived, Derived.prototype.list)).toEqual(['list']);
    expect(methodsOf(Derived, Base.prototype.list)).toEqual(['list']);
    expect(methodsOf(Derived, Base.prototype.remove)).toEqual(['remove']);
    expect(methodsOf(Base, Derived.prototype.list)).toEqual([]);
  });

  it('finds what stands on a registered instance, for its class only', () => {
    const instance = new Derived();
    const bound = (instance.remove = instance.remove.bind(instance));
    expect(methodsOf(Derived, bound)).toEqual([]);
    registerHandlers(Derived, instance);
    expect(methodsOf(Derived, bound)).toEqual(['remove']);
    expect(methodsOf(Base, bound)).toEqual([]);
  });

  it('finds every method that a function is', () => {
    class Both extends Base {}
    const instance = new Both();
    instance.list = instance.remove;
    registerHandlers(Both, instance);
    expect(methodsOf(Both, instance.list)).toEqual(['remove', 'list']);
  });

  it('finds what a wrapper copied from the function, unless the wrapper itself is registered', () => {
    const copyOf = (handler: () => void): (() => void) => {
      const wrapper = (): void => handler();
      for (const key of Reflect.getMetadataKeys(handler))
        Reflect.defineMetadata(key, Reflect.getMetadata(key, handler), wrapper);
      return wrapper;
    };
    class Wrapped extends Base {}
    registerHandlers(Wrapped, new Wrapped());
    expect(methodsOf(Wrapped, copyOf(Wrapped.prototype.list))).toEqual(['list']);

    const instance = new Wrapped();
    instance.remove = copyOf(instance.list);
    registerHandlers(Wrapped, instance);
    expect(methodsOf(Wrapped, instance.remove)).toEqual(['remove']);
    expect(methodsOf(Wrapped, instance.list)).toEqual(['list']);
  });

  it('knows no methods of an instance that is not there', () => {
    registerHandlers(Derived, undefined);
    registerHandlers(Derived, null);
    expect(methodsOf(Derived, () => undefined)).toEqual([]);
  });
});
