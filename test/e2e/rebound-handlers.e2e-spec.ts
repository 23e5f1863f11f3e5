/** Decorators hold for the route that they stand on, whatever function the instance has in the place of the method. */
import { Controller, Get, Scope, type Type } from '@nestjs/common';
import { RouterExecutionContext } from '@nestjs/core/router/router-execution-context.js';
import {
  CertBound,
  ConfigurationError,
  DPoPBound,
  OptionalAuth,
  Public,
  RouteTable,
  Scopes,
  type RouteEntry,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';

type Method = (...args: unknown[]) => unknown;
type Methods = Record<string, Method>;

/** The routes of every controller here; `nothing` says nothing itself. */
class Routes {
  @Get('nothing') nothing(): string {
    return 'nothing';
  }
  @Get('remove') @Scopes('admin') remove(): string {
    return 'removed';
  }
  @Get('certificate') @CertBound() certificate(): string {
    return 'certificate';
  }
  @Get('dpop') @DPoPBound() dpop(): string {
    return 'dpop';
  }
  @Get('optional') @OptionalAuth() optional(): string {
    return 'optional';
  }
  @Get('status') @Public() status(): string {
    return 'up';
  }
}
const NAMES = ['nothing', 'remove', 'certificate', 'dpop', 'optional', 'status'];

/** What constructors and libraries put in the place of a method. */
const REBINDINGS: Readonly<Record<string, (method: Method, instance: object) => Method>> = {
  'bound functions': (method, instance) => method.bind(instance) as Method,
  'functions bound twice': (method, instance) => method.bind(instance).bind(instance) as Method,
  'arrow functions':
    (method, instance) =>
    (...args) =>
      method.apply(instance, args),
  'functions with the name of another method': (method, instance) =>
    function status(...args: unknown[]) {
      return method.apply(instance, args);
    },
  'functions with the names of base methods of all objects': (method, instance) =>
    function toString(...args: unknown[]): string {
      return method.apply(instance, args) as string;
    },
  proxies: (method) => new Proxy(method, {}),
};

function rebindAll(instance: object, rebind: (method: Method, instance: object) => Method): void {
  const methods = instance as Methods;
  for (const name of NAMES) {
    const method = methods[name];
    if (method) methods[name] = rebind(method, instance);
  }
}

/** A controller whose constructor, or that of its base class, rebinds every method; below a class that says nothing, or `@Public()`. */
function controllersOf(rebind: (method: Method, instance: object) => Method): Type[] {
  @Controller('own')
  class OwnController extends Routes {
    constructor() {
      super();
      rebindAll(this, rebind);
    }
  }
  class BindingBase extends Routes {
    constructor() {
      super();
      rebindAll(this, rebind);
    }
  }
  @Controller('inherited')
  class InheritingController extends BindingBase {}
  @Public()
  @Controller('open')
  class OpenController extends BindingBase {}
  return [OwnController, InheritingController, OpenController];
}

describe.each(PLATFORMS)('rebound handlers on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp | undefined;
  const boot = async (...controllers: Type[]): Promise<TestApp> =>
    (app = await bootApp(issuer.options, { platform, controllers }));
  const refusalOf = (...controllers: Type[]): Promise<unknown> =>
    boot(...controllers).catch((error: unknown) => error);

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(async () => {
    await issuer.close();
  });

  /** Without a token, and with a good one that holds no scope and is bound to nothing. */
  const statusesOf = async (booted: TestApp, path: string): Promise<readonly number[]> => {
    const token = issuer.token({ claims: { scope: 'other' } });
    const answers = await Promise.all([booted.get(path), booted.get(path, bearer(token))]);
    return answers.map(({ status }) => status);
  };
  const accessOf = (booted: TestApp, path: string): RouteEntry | undefined =>
    booted.nest
      .get(RouteTable)
      .list()
      .find((entry) => entry.path === path);

  it.each(Object.entries(REBINDINGS))('%s are guarded as their methods, and listed so', async (_, rebind) => {
    const booted = await boot(...controllersOf(rebind));
    for (const place of ['/own', '/inherited', '/open']) {
      const isOpen = place === '/open';
      const expected: Readonly<Record<string, readonly number[]>> = {
        nothing: isOpen ? [200, 200] : [401, 200],
        remove: [401, 403],
        certificate: [401, 401],
        dpop: [401, 401],
        optional: [200, 200],
        status: [200, 200],
      };
      for (const name of NAMES) {
        const path = `${place}/${name}`;
        expect([path, await statusesOf(booted, path)]).toEqual([path, expected[name]]);
      }
      expect(accessOf(booted, `${place}/remove`)).toMatchObject({ access: 'protected', scopes: ['admin'] });
      expect(accessOf(booted, `${place}/certificate`)).toMatchObject({ binding: ['certificate'] });
      expect(accessOf(booted, `${place}/dpop`)).toMatchObject({ binding: ['dpop'] });
      expect(accessOf(booted, `${place}/status`)).toMatchObject({ access: 'public' });
      expect(accessOf(booted, `${place}/nothing`)).toMatchObject({ access: isOpen ? 'public' : 'protected' });
    }
    const admin = bearer(issuer.token({ claims: { scope: 'admin' } }));
    expect((await booted.get('/open/remove', admin)).text).toBe('removed');
  });

  it('a method whose place another one takes is guarded by its own place', async () => {
    @Controller('swapped')
    class SwappedController extends Routes {
      constructor() {
        super();
        const { remove, status } = this as unknown as Record<'remove' | 'status', Method>;
        Object.assign(this, { remove: status.bind(this), status: remove.bind(this) });
      }
    }
    const booted = await boot(SwappedController);
    expect(await statusesOf(booted, '/swapped/remove')).toEqual([401, 403]);
  });

  it('a function that requires something itself keeps it', async () => {
    class Elsewhere {
      @Scopes('elsewhere') handle(): string {
        return 'elsewhere';
      }
    }
    @Controller('borrowed')
    class BorrowingController extends Routes {
      constructor() {
        super();
        this.nothing = Reflect.get(Elsewhere.prototype, 'handle') as () => string;
      }
    }
    const booted = await boot(BorrowingController);
    expect(await statusesOf(booted, '/borrowed/nothing')).toEqual([401, 403]);
    expect(accessOf(booted, '/borrowed/nothing')?.scopes).toEqual(['elsewhere']);
  });

  it('a function that is public elsewhere opens nothing here', async () => {
    class Elsewhere {
      @Public() handle(): string {
        return 'elsewhere';
      }
    }
    @Controller('borrowed')
    class BorrowingController extends Routes {
      constructor() {
        super();
        this.nothing = Reflect.get(Elsewhere.prototype, 'handle') as () => string;
      }
    }
    expect(await statusesOf(await boot(BorrowingController), '/borrowed/nothing')).toEqual([401, 200]);
  });

  it('a library that wraps handlers when routes are registered is seen through', async () => {
    const { create } = RouterExecutionContext.prototype;
    // As the instrumentations of OpenTelemetry and Sentry do.
    RouterExecutionContext.prototype.create = function (instance, callback: Method, ...rest) {
      const wrapper = (...args: unknown[]): unknown => callback.apply(instance, args);
      for (const key of Reflect.getMetadataKeys(callback))
        Reflect.defineMetadata(key, Reflect.getMetadata(key, callback), wrapper);
      Object.defineProperty(wrapper, 'name', { value: callback.name });
      return create.call(this, instance, wrapper, ...rest);
    };
    try {
      @Controller({ path: 'plain' })
      class PlainController extends Routes {}
      @Controller({ path: 'scoped', scope: Scope.REQUEST })
      class ScopedController extends Routes {}
      const [own = PlainController] = controllersOf((method, instance) => method.bind(instance) as Method);
      app = await bootApp(issuer.options, {
        platform,
        controllers: [PlainController, ScopedController, own],
      });
      for (const place of ['/plain', '/scoped', '/own']) {
        expect([place, await statusesOf(app, `${place}/nothing`)]).toEqual([place, [401, 200]]);
        expect([place, await statusesOf(app, `${place}/remove`)]).toEqual([place, [401, 403]]);
        expect([place, await statusesOf(app, `${place}/status`)]).toEqual([place, [200, 200]]);
      }
    } finally {
      RouterExecutionContext.prototype.create = create;
    }
  });

  it('a spy that a test puts on the instance later does not change the table', async () => {
    const [own = class {}] = controllersOf((method, instance) => method.bind(instance) as Method);
    const booted = await boot(own);
    booted.nest.get<Methods>(own)['remove'] = () => 'spied';
    expect(accessOf(booted, '/own/remove')).toMatchObject({ access: 'protected', scopes: ['admin'] });
  });

  describe('what cannot be told', () => {
    it('is refused at the request, where a request-scoped class rebinds', async () => {
      @Public()
      @Controller({ path: 'scoped', scope: Scope.REQUEST })
      class RebindingController extends Routes {
        constructor() {
          super();
          rebindAll(this, (method) => method.bind(this) as Method);
        }
      }
      const booted = await boot(RebindingController);
      for (const name of NAMES) expect(await statusesOf(booted, `/scoped/${name}`)).toEqual([500, 500]);
      expect(loggedLines().join('\n')).toContain(
        'RebindingController: the handler "bound nothing" is none of its methods',
      );
    });

    it('does not matter where no method declares anything', async () => {
      @Scopes('admin')
      @Controller({ path: 'scoped', scope: Scope.REQUEST })
      class RebindingController {
        constructor() {
          this.list = this.list.bind(this);
        }
        @Get() list(): string {
          return 'list';
        }
      }
      expect(await statusesOf(await boot(RebindingController), '/scoped')).toEqual([401, 403]);
    });

    it('stops the start: one function in the place of two methods that differ', async () => {
      @Controller('one')
      class OneFunctionController extends Routes {
        constructor() {
          super();
          const only = (): string => 'one';
          Object.assign(this, { remove: only, status: only });
        }
      }
      const error = await refusalOf(OneFunctionController);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toContain(
        'OneFunctionController: remove and status are one function, but their decorators differ',
      );
    });

    it('stops the start: an instance that has another function each time', async () => {
      @Controller('unstable')
      class UnstableController extends Routes {
        constructor() {
          super();
          return new Proxy(this, {
            get: (target, name) => {
              const value: unknown = Reflect.get(target, name);
              return typeof value === 'function' && name !== 'constructor' ? value.bind(target) : value;
            },
          });
        }
      }
      const error = await refusalOf(UnstableController);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toContain(
        'UnstableController.remove: the instance returns another function each time',
      );
    });

    it('stops the start: a class that was replaced by one whose decorators guards do not see', async () => {
      const replaced = <T extends Type>(original: T): T =>
        new Proxy(original, { construct: (target, args) => new target(...args) as object });
      @Controller('replaced')
      @Scopes('admin')
      @replaced
      class ReplacedController {
        @Get() list(): string {
          return 'list';
        }
      }
      const error = await refusalOf(ReplacedController);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toContain('ReplacedController.list: ');
    });
  });
});
