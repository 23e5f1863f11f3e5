/** What decorators say along an inheritance chain, and which properties of a class are methods. */
import { CertBound } from '../../../lib/policy/cert-bound.decorator.js';
import { OptionalAuth } from '../../../lib/policy/optional-auth.decorator.js';
import { Public } from '../../../lib/policy/public.decorator.js';
import { Scopes } from '../../../lib/access/requirements/scopes.js';
import {
  anyMethodDeclares,
  classLevels,
  declaresAnything,
  functionDeclarations,
  methodLevels,
  propertiesOf,
  propertiesWith,
  type Level,
} from '../../../lib/policy/levels.js';

const SYMBOL = Symbol('method');

@CertBound()
class Base {
  @Scopes('a') list(): void {}
  remove(): void {}
  [SYMBOL](): void {}
  get size(): number {
    return 0;
  }
  static create(): void {}
}
@OptionalAuth()
class Derived extends Base {
  readonly field = 1;
  override list(): void {}
  own(): void {}
}

const kindsOf = (levels: readonly Level[]): unknown =>
  levels.map(({ place, declarations }) => [place, declarations.map(({ kind }) => kind)]);

describe('classLevels', () => {
  it('are those of a class and its base classes, the most derived first', () => {
    expect(kindsOf(classLevels(Derived))).toEqual([
      ['Derived', ['optional']],
      ['Base', ['certificate-bound']],
      // The prototype of all functions is a function.
      ['', []],
    ]);
  });

  it('are none of what is no class', () => {
    expect(classLevels({})).toEqual([]);
  });
});

describe('methodLevels', () => {
  it('are those of a method and of what it overrides', () => {
    expect(kindsOf(methodLevels(Derived, 'list'))).toEqual([
      ['Derived.list', []],
      ['Base.list', ['requirement']],
    ]);
    expect(kindsOf(methodLevels(Derived, 'remove'))).toEqual([['Base.remove', []]]);
    expect(kindsOf(methodLevels(Base, SYMBOL))).toEqual([['Base.Symbol(method)', []]]);
    expect(methodLevels(Derived, 'unknown')).toEqual([]);
    expect(methodLevels({ name: 'NoClass' }, 'list')).toEqual([]);
  });

  it('have what was declared of a method that was removed since', () => {
    class Orders {
      @Scopes('a') list(): void {}
    }
    Reflect.deleteProperty(Orders.prototype, 'list');
    expect(kindsOf(methodLevels(Orders, 'list'))).toEqual([['Orders.list', ['requirement']]]);
  });

  it('have what the function requires that stands there, each once, and not what opens it elsewhere', () => {
    class Other {
      @CertBound() bound(): void {}
      @Public() open(): void {}
      @OptionalAuth() maybe(): void {}
    }
    class Orders {
      @Scopes('a') list(): void {}
      open(): void {}
      maybe(): void {}
    }
    expect(kindsOf(methodLevels(Orders, 'list'))).toEqual([['Orders.list', ['requirement']]]);
    Orders.prototype.list = Other.prototype.bound;
    Orders.prototype.open = Other.prototype.open;
    Orders.prototype.maybe = Other.prototype.maybe;
    expect(kindsOf(methodLevels(Orders, 'list'))).toEqual([
      ['Orders.list', ['certificate-bound', 'requirement']],
    ]);
    for (const property of ['open', 'maybe'])
      expect(kindsOf(methodLevels(Orders, property))).toEqual([[`Orders.${property}`, []]]);
    expect(kindsOf(methodLevels(Other, 'open'))).toEqual([['Other.open', ['public']]]);
  });
});

describe('functionDeclarations', () => {
  it('are those of a function', () => {
    expect(functionDeclarations(Base.prototype.list).map(({ kind }) => kind)).toEqual(['requirement']);
    for (const other of [Base.prototype.remove, undefined, null, 'list', {}])
      expect(functionDeclarations(other)).toEqual([]);
  });
});

describe('whether anything is declared', () => {
  class Silent {
    list(): void {}
  }
  class SilentlyDerived extends Base {}
  class OnOverridden {
    @Scopes('a') list(): void {}
  }
  class Overriding extends OnOverridden {
    override list(): void {}
  }
  @Public()
  class OnClass {
    list(): void {}
  }
  class OnMethod {
    list(): void {}
    @Public() open(): void {}
  }

  it.each<[string, new () => object, boolean, boolean]>([
    ['nowhere', Silent, false, false],
    ['on the class', OnClass, true, false],
    ['on a method', OnMethod, true, true],
    ['on a base class', SilentlyDerived, true, true],
    ['on an overridden method', Overriding, true, true],
  ])('%s', (_, controller, anything, byMethod) => {
    expect(declaresAnything(controller)).toBe(anything);
    expect(anyMethodDeclares(controller)).toBe(byMethod);
  });
});

describe('the methods of a class', () => {
  it('are its own and inherited ones, each once, without its constructor, accessors and fields', () => {
    expect(propertiesOf(Derived)).toEqual(['list', 'own', 'remove', SYMBOL]);
    class Labelled {
      list(): void {}
    }
    Object.defineProperty(Labelled.prototype, 'label', { value: 'no method' });
    expect(propertiesOf(Labelled)).toEqual(['list']);
    expect(propertiesOf({ name: 'NoClass' })).toEqual([]);
    expect(propertiesOf({ name: 'NoClass', prototype: null })).toEqual([]);
    expect(propertiesOf({ name: 'NoClass', prototype: () => undefined })).toEqual([]);
  });

  it('are found by their function, also one that is overridden', () => {
    class Twice extends Base {
      again(): void {}
    }
    Twice.prototype.again = Base.prototype.list;
    expect(propertiesWith(Derived, Base.prototype.list)).toEqual(['list']);
    expect(propertiesWith(Derived, Derived.prototype.own)).toEqual(['own']);
    expect(propertiesWith(Twice, Base.prototype.list)).toEqual(['again', 'list']);
    expect(propertiesWith(Derived, Derived)).toEqual([]);
  });
});
