/** Which methods of its class a function is, whatever it is called. */
import 'reflect-metadata';
import { isRegisteredClass, methodsOf, registerHandlers } from '../../../lib/policy/handlers.js';

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

  it('knows what stands on an instance of another class as methods of both', () => {
    class Declared {
      list(): void {}
    }
    class Swapped extends Base {}
    const instance = new Swapped();
    const own = (instance.list = () => undefined);
    registerHandlers(Declared, instance);
    expect(methodsOf(Declared, own)).toEqual(['list']);
    expect(methodsOf(Swapped, own)).toEqual(['list']);
    expect(methodsOf(Base, own)).toEqual([]);
  });

  it('passes over what is no method of the instance', () => {
    class Partial extends Base {}
    const instance = Object.assign(new Partial(), { list: 'no method' });
    expect(() => registerHandlers(Partial, instance)).not.toThrow();
    expect(methodsOf(Partial, () => undefined)).toEqual([]);
  });

  it('names each method once, however often its instances are registered', () => {
    class Twice extends Base {}
    const instance = new Twice();
    const bound = (instance.list = instance.list.bind(instance));
    registerHandlers(Twice, instance);
    registerHandlers(Twice, instance);
    const keys = Reflect.getMetadataKeys(bound);
    expect(keys.map((key: unknown) => Reflect.getMetadata(key, bound) as unknown)).toEqual([
      [{ controller: Twice, property: 'list' }],
    ]);
    expect(methodsOf(Twice, bound)).toEqual(['list']);
  });

  it('does not trust metadata that is none of its own', () => {
    class Spoiled extends Base {}
    registerHandlers(Spoiled, new Spoiled());
    const wrapper = (): void => undefined;
    for (const key of Reflect.getMetadataKeys(Spoiled.prototype.list))
      Reflect.defineMetadata(key, 'no list', wrapper);
    expect(methodsOf(Spoiled, wrapper)).toEqual([]);
  });
});

describe('isRegisteredClass', () => {
  it('holds for the classes that were seen at start, and for those of their instances', () => {
    class Seen extends Base {}
    class Instance extends Seen {}
    class Never extends Seen {}
    expect(isRegisteredClass(Seen)).toBe(false);
    registerHandlers(Seen, undefined);
    expect([Seen, Instance, Never].map(isRegisteredClass)).toEqual([true, false, false]);
    registerHandlers(Seen, new Instance());
    expect([Seen, Instance, Never].map(isRegisteredClass)).toEqual([true, true, false]);
  });
});
