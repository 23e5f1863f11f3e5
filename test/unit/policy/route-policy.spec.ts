/** Class and handler merged: what adds up, what opens, what is refused. */
import { Audience } from '../../../lib/policy/audience.decorator.js';
import { CertBound } from '../../../lib/policy/cert-bound.decorator.js';
import { ConfigurationError } from '../../../lib/errors/auth.errors.js';
import { DPoPBound } from '../../../lib/policy/dpop-bound.decorator.js';
import { Groups } from '../../../lib/access/requirements/groups.js';
import { Introspect } from '../../../lib/policy/introspect.decorator.js';
import { Issuers } from '../../../lib/policy/issuers.decorator.js';
import { OptionalAuth } from '../../../lib/policy/optional-auth.decorator.js';
import { Public } from '../../../lib/policy/public.decorator.js';
import { Scopes } from '../../../lib/access/requirements/scopes.js';
import { registerHandlers } from '../../../lib/policy/handlers.js';
import {
  compileRoutePolicy,
  isResolved,
  joinPolicies,
  readClassPolicy,
  readRoutePolicy,
  type RoutePolicy,
} from '../../../lib/policy/route-policy.js';
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

const OPEN: RoutePolicy = {
  access: 'public',
  declared: true,
  requirements: [],
  certificateBound: false,
  dpopBound: false,
  introspectMaxAge: undefined,
  issuers: [],
  audience: undefined,
};
const PROTECTED: RoutePolicy = { ...OPEN, access: 'protected', declared: false };

describe('the policy', () => {
  @Issuers('staff', 'ops')
  @Introspect({ maxAge: 60 })
  @CertBound()
  class Strict {
    @Issuers('staff') @Introspect({ maxAge: 10 }) @DPoPBound() @Scopes('a') all(): void {}
    plain(): void {}
    @Public() open(): void {}
  }
  class Silent {
    plain(): void {}
    @OptionalAuth() maybe(): void {}
    @Introspect() introspected(): void {}
    @Introspect({ maxAge: 5 }) @DPoPBound() bound(): void {}
    @CertBound() certificate(): void {}
    @Issuers('staff') issued(): void {}
  }
  @OptionalAuth()
  class Optional {
    plain(): void {}
    @Scopes('a') scoped(): void {}
  }

  it('has all that class and handler require', () => {
    const { scopes, groups, ...policy } = policyOf(Strict, 'all');
    expect([scopes, groups]).toEqual([['a'], []]);
    expect(policy).toEqual({
      access: 'protected',
      declared: true,
      requirements: [expect.objectContaining({ decorator: '@Scopes()' })],
      certificateBound: true,
      dpopBound: true,
      introspectMaxAge: 10,
      issuers: [['staff', 'ops'], ['staff']],
      audience: undefined,
    });
    expect(policyOf(Strict, 'plain')).toMatchObject({
      certificateBound: true,
      dpopBound: false,
      introspectMaxAge: 60,
      issuers: [['staff', 'ops']],
    });
  });

  it('has nothing of what a public handler opens', () => {
    expect(readRoutePolicy(Strict, Strict.prototype.open)).toEqual(OPEN);
  });

  it('has what one decorator says, and nothing else', () => {
    const of = (method: keyof Silent): RoutePolicy => readRoutePolicy(Silent, Silent.prototype[method]);
    expect(of('plain')).toEqual(PROTECTED);
    expect(of('maybe')).toEqual({ ...PROTECTED, access: 'optional', declared: true });
    // It says how a token is looked at, not who may call.
    expect(of('introspected')).toEqual({ ...PROTECTED, introspectMaxAge: 0 });
    expect(of('bound')).toEqual({ ...PROTECTED, declared: true, dpopBound: true, introspectMaxAge: 5 });
    expect(of('certificate')).toEqual({ ...PROTECTED, declared: true, certificateBound: true });
    expect(of('issued')).toEqual({ ...PROTECTED, declared: true, issuers: [['staff']] });
  });

  it('is optional for a handler without requirements only, where the class says so', () => {
    expect(readRoutePolicy(Optional, Optional.prototype.plain)).toEqual({
      ...PROTECTED,
      access: 'optional',
      declared: true,
    });
    expect(policyOf(Optional, 'scoped')).toMatchObject({
      access: 'protected',
      declared: true,
      scopes: ['a'],
    });
  });

  it('is that of the class where only an overridden method was opened', () => {
    class Overridden {
      @OptionalAuth() list(): void {}
    }
    @Public()
    class Open extends Overridden {
      override list(): void {}
    }
    class Plain extends Overridden {
      override list(): void {}
    }
    expect(readRoutePolicy(Open, Open.prototype.list)).toEqual(OPEN);
    expect(readRoutePolicy(Plain, Plain.prototype.list)).toEqual(PROTECTED);
  });

  it('cannot be changed', () => {
    for (const policy of [
      readRoutePolicy(Strict, Strict.prototype.all),
      readRoutePolicy(Strict, Strict.prototype.open),
    ])
      for (const each of [policy, policy.requirements, policy.issuers])
        expect(Object.isFrozen(each)).toBe(true);
  });

  it('of a class alone is what no handler changes', () => {
    expect(readClassPolicy(Optional)).toEqual({ ...PROTECTED, access: 'optional', declared: true });
    expect(readClassPolicy(Silent)).toEqual(PROTECTED);
    expect(readClassPolicy(Strict)).toMatchObject({ certificateBound: true, issuers: [['staff', 'ops']] });
  });
});

describe('the audience', () => {
  @Audience('https://a')
  class Api {
    inherited(): void {}
    @Audience('https://b') own(): void {}
  }

  it('of the handler counts before that of the class', () => {
    expect(policyOf(Api, 'inherited').audience).toBe('https://a');
    expect(policyOf(Api, 'own').audience).toBe('https://b');
    expect(readClassPolicy(Api).audience).toBe('https://a');
  });

  it('may be repeated by a subclass and an override, and not changed', () => {
    @Audience('https://a')
    class Same extends Api {
      @Audience('https://b') override own(): void {}
    }
    @Audience('https://c')
    class Other extends Api {}
    class Overriding extends Api {
      @Audience('https://c') override own(): void {}
    }
    expect(policyOf(Same, 'own').audience).toBe('https://b');
    expect(() => policyOf(Other, 'inherited')).toThrow(
      'Other: @Audience() differs from that of Api; inheritance can add requirements, never remove them',
    );
    expect(() => policyOf(Overriding, 'own')).toThrow(
      'Overriding.own: @Audience() differs from that of Api.own; inheritance can add requirements',
    );
  });

  it('may stand beside other decorators', () => {
    class Orders {
      @Scopes('a') @Audience('https://a') @CertBound() list(): void {}
    }
    expect(policyOf(Orders, 'list')).toMatchObject({ audience: 'https://a', scopes: ['a'] });
  });

  it('is one in each place', () => {
    class Twice {
      @Audience('https://a') @Audience('https://b') list(): void {}
    }
    const read = (): unknown => policyOf(Twice, 'list');
    expect(read).toThrow(ConfigurationError);
    expect(read).toThrow(/^Twice\.list: more than one @Audience\(\)$/);
  });
});

describe('a policy that was read', () => {
  class Orders {
    @Scopes('a') list(): void {}
    @Scopes('b') remove(): void {}
  }

  it('is the same object each time, until it is compiled anew', () => {
    const [list, remove] = [
      readRoutePolicy(Orders, Orders.prototype.list),
      readRoutePolicy(Orders, Orders.prototype.remove),
    ];
    expect(readRoutePolicy(Orders, Orders.prototype.list)).toBe(list);
    const anew = compileRoutePolicy(Orders, Orders.prototype.list);
    expect(anew).not.toBe(list);
    expect(anew).toEqual(list);
    expect(readRoutePolicy(Orders, Orders.prototype.list)).toBe(anew);
    expect(readRoutePolicy(Orders, Orders.prototype.remove)).toBe(remove);
  });

  it('does not count any more once the handler is found to be another method, too', () => {
    class Rebound extends Orders {}
    const instance = new Rebound();
    expect(policyOf(Rebound, 'list').scopes).toEqual(['a']);
    instance.remove = instance.list;
    registerHandlers(Rebound, instance);
    for (const read of [compileRoutePolicy, readRoutePolicy]) {
      expect(() => read(Rebound, instance.list)).toThrow(ConfigurationError);
      expect(() => read(Rebound, instance.list)).toThrow(
        'Rebound: list and remove are one function, but their decorators differ',
      );
    }
  });

  it('counts where all methods that a function is require the same', () => {
    class Alike {
      @CertBound() list(): void {}
      @CertBound() find(): void {}
    }
    const instance = new Alike();
    instance.find = instance.list;
    registerHandlers(Alike, instance);
    expect(readRoutePolicy(Alike, instance.find)).toMatchObject({ certificateBound: true });
  });
});

describe('a handler that is none of the methods', () => {
  class Elsewhere {
    @Scopes('b') scoped(): void {}
    @Public() open(): void {}
    plain(): void {}
  }
  @Scopes('a')
  class Bare {
    list(): void {}
  }
  class Declaring {
    @Scopes('a') list(): void {}
  }

  it('is known by nobody', () => {
    expect(isResolved(Bare, Bare.prototype.list)).toBe(true);
    expect(isResolved(Bare, Elsewhere.prototype.plain)).toBe(false);
  });

  it('requires what the class does, where no method declares anything, and what the function does', () => {
    const of = (method: keyof Elsewhere): Required =>
      requiredBy(readRoutePolicy(Bare, Elsewhere.prototype[method]));
    expect(of('plain')).toMatchObject({ access: 'protected', scopes: ['a'] });
    expect(of('scoped')).toMatchObject({ access: 'protected', scopes: ['a', 'b'] });
    // What opens it there opens nothing here.
    expect(of('open')).toMatchObject({ access: 'protected', scopes: ['a'] });
  });

  it('is optional where the class is, unless the function requires something', () => {
    @OptionalAuth()
    class Optional {
      list(): void {}
    }
    const of = (method: keyof Elsewhere): unknown =>
      readRoutePolicy(Optional, Elsewhere.prototype[method]).access;
    expect([of('plain'), of('open'), of('scoped')]).toEqual(['optional', 'optional', 'protected']);
  });

  it('has one policy for all of them, which is kept', () => {
    const policy = readRoutePolicy(Bare, Elsewhere.prototype.plain);
    expect(readRoutePolicy(Bare, () => undefined)).toBe(policy);
  });

  it('is rejected each time, where a method declares something', () => {
    for (let time = 0; time < 2; time++) {
      const read = (): unknown => readRoutePolicy(Declaring, Elsewhere.prototype.plain);
      expect(read).toThrow(ConfigurationError);
      expect(read).toThrow(
        'Declaring: the handler "plain" is none of its methods, so its decorators cannot be determined: see docs/decorators.md',
      );
    }
  });

  it('names in a contradiction the function', () => {
    class Contradicting {
      list(): void {}
    }
    class Twice {
      @Audience('https://a') @Audience('https://b') handle(): void {}
    }
    expect(() => readRoutePolicy(Contradicting, Twice.prototype.handle)).toThrow(
      'Contradicting.handle: more than one @Audience()',
    );
  });
});

describe('a method whose function another method is, too,', () => {
  it('is not opened by what opens the other', () => {
    class Source {
      @Public() open(): void {}
    }
    class Target {
      list(): void {}
    }
    Target.prototype.list = Source.prototype.open;
    expect(readRoutePolicy(Target, Target.prototype.list)).toEqual(PROTECTED);
  });
});

describe('joined policies', () => {
  const STRICT: RoutePolicy = {
    access: 'protected',
    declared: true,
    requirements: [{ kind: 'scopes', decorator: '@Scopes()' }],
    certificateBound: true,
    dpopBound: true,
    introspectMaxAge: 10,
    issuers: [['staff']],
    audience: 'https://a',
  };
  const OPTIONAL: RoutePolicy = { ...PROTECTED, access: 'optional', declared: true };

  it('are as strict as the strictest', () => {
    const accessOf = (...joined: readonly RoutePolicy[]): string => joinPolicies(joined).access;
    expect(accessOf(OPEN, OPEN)).toBe('public');
    expect(accessOf(OPEN, OPTIONAL)).toBe('optional');
    expect(accessOf(OPTIONAL, OPEN)).toBe('optional');
    expect(accessOf(OPTIONAL, PROTECTED, OPEN)).toBe('protected');
  });

  it('require what each of them does', () => {
    const others = {
      requirements: [{ kind: 'groups', decorator: '@Groups()' }],
      issuers: [['ops'], ['staff']],
    };
    const joined = joinPolicies([OPEN, { ...STRICT }, { ...PROTECTED, ...others, introspectMaxAge: 5 }]);
    expect(joined).toEqual({
      ...STRICT,
      requirements: [...STRICT.requirements, ...others.requirements],
      introspectMaxAge: 5,
      issuers: [['staff'], ['ops'], ['staff']],
    });
    for (const each of [joined, joined.requirements, joined.issuers])
      expect(Object.isFrozen(each)).toBe(true);
  });

  it('require nothing where none of them does', () => {
    expect(joinPolicies([PROTECTED, PROTECTED])).toEqual(PROTECTED);
    expect(joinPolicies([])).toEqual({ ...OPEN, declared: false });
  });

  it('have one audience', () => {
    expect(joinPolicies([STRICT, PROTECTED, STRICT]).audience).toBe('https://a');
    const join = (): unknown => joinPolicies([STRICT, { ...STRICT, audience: 'https://b' }]);
    expect(join).toThrow(ConfigurationError);
    expect(join).toThrow(
      'gateways that share a port, a path and a namespace name different audiences with @Audience()',
    );
  });
});
