/** Class and handler merged: what adds up, what opens, what is refused. */
import { CertBound, Groups, OptionalAuth, Public, Scopes } from 'nestjs-resource-server';
import { readRoutePolicy } from '../../../lib/policy/route-policy.js';
import { requiredBy, type Required } from '../../support/required-by.js';

function policyOf(controller: new () => object, method: string): Required {
  const handler = (controller.prototype as Record<string, () => void>)[method];
  if (!handler) throw new Error(`no method ${method}`);
  return requiredBy(readRoutePolicy(controller, handler));
}

@Scopes('a')
@Groups('g')
class Base {
  @Scopes('b') read(): void {}
  @Scopes('admin') remove(): void {}
  @Public() open(): void {}
}

@Scopes('c', 'a')
@CertBound()
class Derived extends Base {
  override remove(): void {}
  override open(): void {}
}

describe('readRoutePolicy', () => {
  it('adds up class, base class and handler, each scope once', () => {
    const { access, scopes, groups, certificateBound } = policyOf(Derived, 'read');
    expect([access, certificateBound]).toEqual(['protected', true]);
    expect(new Set(scopes)).toEqual(new Set(['a', 'b', 'c']));
    expect(scopes).toHaveLength(3);
    expect(groups).toMatchObject([{ groups: ['g'] }]);
  });

  it('keeps the requirements of a method that is overridden, not its opening', () => {
    expect(policyOf(Derived, 'remove').scopes).toContain('admin');
    expect(policyOf(Derived, 'open').access).toBe('protected');
  });

  it('adds up decorators of one kind on one handler', () => {
    class Stacked {
      @Scopes('a') @Scopes('b') @Groups('g') @Groups(['h', 'i'], { matchAll: true }) handler(): void {}
    }
    const { scopes, groups } = policyOf(Stacked, 'handler');
    expect(new Set(scopes)).toEqual(new Set(['a', 'b']));
    expect(groups).toHaveLength(2);
    expect(groups).toContainEqual({ groups: ['h', 'i'], matchAll: true });
  });

  it('lets a derived class tighten a public one', () => {
    @Public()
    class Open {
      handler(): void {}
    }
    @Scopes('a')
    class Tightened extends Open {}
    class Plain extends Open {}
    expect(policyOf(Tightened, 'handler')).toMatchObject({ access: 'protected', scopes: ['a'] });
    expect(policyOf(Plain, 'handler').access).toBe('public');
  });

  it('survives a decorator that replaces the handler', () => {
    const replace: MethodDecorator = (_target, _property, descriptor) => {
      descriptor.value = function handler(): void {} as never;
    };
    class Wrapped {
      @replace @Scopes('a') handler(): void {}
    }
    expect(policyOf(Wrapped, 'handler').scopes).toEqual(['a']);
  });

  it('does not know a handler by its name', () => {
    class Traced {
      @Scopes('a') handler(): void {}
    }
    expect(() => readRoutePolicy(Traced, function handler(): void {})).toThrow(
      'Traced: the handler "handler" is none of its methods',
    );
  });

  it.each([
    ['@Scopes()', Scopes('a')],
    ['@Groups()', Groups('a')],
    ['@CertBound()', CertBound()],
    ['@OptionalAuth()', OptionalAuth()],
  ])('refuses @Public() together with %s in one place', (name, decorator) => {
    class OnHandler {
      @Public() @decorator handler(): void {}
    }
    @Public()
    @decorator
    class OnClass {
      handler(): void {}
    }
    expect(() => policyOf(OnHandler, 'handler')).toThrow(
      `OnHandler.handler: @Public() requires no token, ${name}`,
    );
    expect(() => policyOf(OnClass, 'handler')).toThrow(`OnClass: @Public() requires no token, ${name}`);
  });

  it('refuses a public class over a base class that asks for something', () => {
    @Scopes('a')
    class Guarded {
      handler(): void {}
    }
    @Public()
    class Opened extends Guarded {}
    expect(() => policyOf(Opened, 'handler')).toThrow('Opened');
  });
});
