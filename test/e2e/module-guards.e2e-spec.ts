/** Which routes does the guard run for? All of them, unless the application says so itself: `globalGuard: false`, `@UseGuards()`. */
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { TestingModuleBuilder } from '@nestjs/testing';
import {
  applyResourceServerSecurity,
  AuthGuard,
  AuthModule,
  Claims,
  claimsOf,
  ConfigurationError,
  DECISION_CHANNEL,
  DPoPBound,
  Introspect,
  OptionalAuth,
  Public,
  RouteTable,
  Scopes,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { mockClaims } from 'nestjs-resource-server/testing';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { bootModule, PLATFORMS, type AppSettings, type Controllers, type TestApp } from '../support/app.js';
import { DPoPClient } from '../support/dpop.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';

class Routes {
  @Get('orders') list(@Claims('sub') sub: unknown): unknown {
    return { sub: sub ?? null };
  }
  @Get('refund') @Scopes('admin') refund(): string {
    return 'refunded';
  }
  @Get('status') @Public() status(): string {
    return 'up';
  }
}

@UseGuards(AuthGuard)
@Controller('guarded')
class GuardedController extends Routes {}

@Controller('plain')
class PlainController extends Routes {}

@Controller('handlers')
class HandlersController {
  @Get('guarded') @UseGuards(AuthGuard) @Scopes('admin') guarded(): string {
    return 'guarded';
  }
  @Get('open') open(@Claims('sub') sub: unknown): unknown {
    return { sub: sub ?? null };
  }
}

@Injectable()
class AsksTheGuard implements CanActivate {
  readonly #guard: AuthGuard;
  constructor(guard: AuthGuard) {
    this.#guard = guard;
  }
  async canActivate(context: ExecutionContext): Promise<boolean> {
    return this.#guard.canActivate(context);
  }
}

/** Wants more than the guard of this package, after it. */
@Injectable()
class OwnGuard extends AuthGuard {}

@Injectable()
class PassGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}
@Injectable({ scope: Scope.REQUEST })
class PassPerRequestGuard extends PassGuard {}

/** What is put in the guard's place. */
const OPEN: CanActivate = { canActivate: () => true };

type Import = NonNullable<AppSettings['imports']>[number];

function featureWith(...controllers: Controllers): Import {
  @Module({ controllers: [...controllers] })
  class FeatureModule {}
  return FeatureModule;
}

describe.each(PLATFORMS)('where the guard runs on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp | undefined;

  beforeAll(async () => void (issuer = await Issuer.start()));
  afterAll(() => issuer.close());
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  const boot = async (imports: readonly Import[], settings: Partial<AppSettings> = {}): Promise<TestApp> =>
    (app = await bootModule(imports, { platform, controllers: [], ...settings }));
  const withoutGlobal = (options: AuthModuleOptions = issuer.options): Import =>
    AuthModule.forRoot({ ...options, globalGuard: false });
  /** Without a token, with a good one, with too few scopes, and where the route is public. */
  const statuses = async (prefix: string): Promise<readonly (number | undefined)[]> => {
    const headers = bearer(issuer.token());
    const answers = [
      app?.get(`${prefix}/orders`),
      app?.get(`${prefix}/orders`, headers),
      app?.get(`${prefix}/refund`, headers),
      app?.get(`${prefix}/status`),
    ];
    return (await Promise.all(answers)).map((answer) => answer?.status);
  };
  const GUARDED = [401, 200, 403, 200];

  it.each([
    ['forRoot', () => withoutGlobal()],
    ['forRootAsync', () => AuthModule.forRootAsync({ globalGuard: false, useFactory: () => issuer.options })],
  ])('@UseGuards(AuthGuard) guards a class in any module, without a global guard: %s', async (_, module) => {
    await boot([module(), featureWith(GuardedController, HandlersController)]);
    expect(await statuses('/guarded')).toEqual(GUARDED);
    expect((await app?.get('/handlers/guarded'))?.status).toBe(401);
    const answer = await app?.get('/guarded/orders', bearer(issuer.token()));
    expect(answer?.body).toEqual({ sub: 'user-1' });
    // Left out, so open, and no token is looked at.
    expect((await app?.get('/handlers/open', bearer(issuer.token())))?.body).toEqual({ sub: null });
  });

  it('@UseGuards(AuthGuard) under the global guard decides once', async () => {
    @UseGuards(AuthGuard)
    @Controller('twice')
    class TwiceController extends Routes {
      @Get('bound') @UseGuards(OwnGuard) @DPoPBound() bound(): string {
        return 'bound';
      }
    }
    await boot([AuthModule.forRoot(issuer.options), featureWith(TwiceController)]);
    expect(await statuses('/twice')).toEqual(GUARDED);

    const client = await DPoPClient.make();
    const token = issuer.token({ claims: { cnf: { jkt: client.jkt } } });
    const request = { url: `${app?.origin}/twice/bound`, token };
    const headers = client.headers(request);
    const decisions: unknown[] = [];
    const note = (message: unknown): void => void decisions.push(message);
    subscribe(DECISION_CHANNEL, note);
    // A proof is good once: a second look at it would refuse.
    expect((await app?.get('/twice/bound', headers))?.status).toBe(200);
    expect((await app?.get('/twice/bound', headers))?.status).toBe(401);
    unsubscribe(DECISION_CHANNEL, note);
    expect(decisions).toHaveLength(2);
  });

  it.each<[string, Partial<AppSettings>]>([
    ['APP_GUARD of its own', { providers: [{ provide: APP_GUARD, useExisting: AuthGuard }] }],
    ['APP_GUARD of a subclass', { providers: [{ provide: APP_GUARD, useClass: OwnGuard }] }],
    ['useGlobalGuards()', { beforeListening: (nest) => void nest.useGlobalGuards(nest.get(AuthGuard)) }],
    [
      'useGlobalGuards() with an object that asks it',
      {
        beforeListening: (nest) => {
          const asked = nest.get(AuthGuard);
          nest.useGlobalGuards({
            asked,
            canActivate: (context) => asked.canActivate(context),
          } as CanActivate);
        },
      },
    ],
    ['a guard that asks it', { providers: [{ provide: APP_GUARD, useClass: AsksTheGuard }] }],
  ])('an application can make it global itself: %s', async (_, settings) => {
    await boot([withoutGlobal()], { controllers: [PlainController], ...settings });
    expect(await statuses('/plain')).toEqual(GUARDED);
  });

  it.each([
    ['@Scopes()', Scopes('admin')],
    ['@OptionalAuth()', OptionalAuth()],
    ['@Introspect()', Introspect()],
  ])('does not start where nobody would enforce %s', async (_, decorator) => {
    class OrdersController {
      @Get('orders') list(): string {
        return 'orders';
      }
      @Get('status') @Public() status(): string {
        return 'up';
      }
    }
    Controller()(OrdersController);
    decorator(
      OrdersController.prototype,
      'list',
      Object.getOwnPropertyDescriptor(OrdersController.prototype, 'list') as never,
    );
    const start = boot([withoutGlobal(issuer.introspecting)], {
      controllers: [OrdersController],
      // Another guard is not this one.
      providers: [{ provide: APP_GUARD, useClass: PassGuard }],
    });
    await expect(start).rejects.toBeInstanceOf(ConfigurationError);
    await expect(start).rejects.toThrow(
      'OrdersController.list: its decorators require AuthGuard, which does not run here; add @UseGuards(AuthGuard), or remove globalGuard',
    );
  });

  it('does not start where the class requires and only an overridden handler is guarded', async () => {
    @Controller('orders')
    class OrdersController {
      @Get() @UseGuards(AuthGuard) @Scopes('read') list(): string {
        return 'orders';
      }
    }
    @Controller('own')
    class OwnController extends OrdersController {
      @Get() override list(): string {
        return 'own';
      }
    }
    const start = boot([withoutGlobal()], { controllers: [OrdersController, OwnController] });
    await expect(start).rejects.toThrow(/\n {2}OwnController\.list: its decorators require AuthGuard[^\n]*$/);
  });

  it('lists what is not under it as unprotected, audits it, and documents no security for it', async () => {
    await boot([withoutGlobal({ ...issuer.options, audit: 'warn' })], {
      controllers: [GuardedController, HandlersController],
    });
    const table = app?.nest.get(RouteTable).list() ?? [];
    expect(table.map(({ path, access }) => `${path} ${access}`)).toEqual([
      '/guarded/orders protected',
      '/guarded/refund protected',
      '/guarded/status public',
      '/handlers/guarded protected',
      '/handlers/open unprotected',
    ]);
    expect(loggedLines().join('\n')).toContain(
      'GET /handlers/open: HandlersController.open is not under @UseGuards(AuthGuard)',
    );
    const paths = { '/handlers/open': { get: {} }, '/handlers/guarded': { get: {} } };
    const { paths: secured } = applyResourceServerSecurity({ openapi: '3.1.0', paths }, app?.nest as never);
    expect(secured).toEqual({
      '/handlers/open': { get: {} },
      '/handlers/guarded': { get: { security: [{ accessToken: ['admin'] }], responses: expect.anything() } },
    });
  });

  it('is a mistake to set it in the answer of the factory, or to what is no boolean', async () => {
    const answer = { ...issuer.options, globalGuard: false };
    await expect(boot([AuthModule.forRootAsync({ useFactory: () => answer })])).rejects.toThrow(
      'globalGuard: is read before the factory is called; set it next to useFactory, not in its result',
    );
    for (const globalGuard of ['false', 0, null]) {
      const module = AuthModule.forRoot({ ...issuer.options, globalGuard: globalGuard as never });
      await expect(boot([module])).rejects.toThrow('AuthModule: globalGuard is neither true nor false');
    }
    await boot([AuthModule.forRoot({ ...issuer.options, globalGuard: undefined })], {
      controllers: [HandlersController],
    });
    expect((await app?.get('/handlers/open'))?.status).toBe(401);
  });

  it.each([
    ['before', true],
    ['after', false],
  ])('runs beside other global guards, registered %s it', async (_, isBefore) => {
    const seen: unknown[] = [];
    @Injectable()
    class SeeingGuard implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        seen.push(claimsOf(context.switchToHttp().getRequest<object>())?.sub);
        return true;
      }
    }
    const others = [SeeingGuard, PassPerRequestGuard].map((useClass) => ({ provide: APP_GUARD, useClass }));
    @Module({ providers: others })
    class LaterModule {}
    await boot([AuthModule.forRoot(issuer.options), ...(isBefore ? [] : [LaterModule])], {
      controllers: [PlainController],
      providers: isBefore ? others : [],
    });
    expect((await app?.get('/plain/orders'))?.status).toBe(401);
    expect((await app?.get('/plain/orders', bearer(issuer.token())))?.status).toBe(200);
    expect(seen).toEqual(isBefore ? [undefined, undefined] : ['user-1']);
  });

  it('guards controllers that are request-scoped', async () => {
    @Controller({ path: 'per-request', scope: Scope.REQUEST })
    class PerRequestController extends Routes {
      constructor(@Inject('REQUEST') readonly request: unknown) {
        super();
      }
    }
    await boot([AuthModule.forRoot(issuer.options)], { controllers: [PerRequestController] });
    expect(await statuses('/per-request')).toEqual(GUARDED);
  });

  it.each<[string, (builder: TestingModuleBuilder) => void]>([
    ['overrideProvider()', (builder) => builder.overrideProvider(AuthGuard).useValue(OPEN)],
    ['overrideGuard(), of Nest', (builder) => builder.overrideGuard(AuthGuard).useValue(OPEN)],
  ])('is replaced in tests where @UseGuards() is: %s', async (way, customize) => {
    @UseGuards(OwnGuard)
    @Controller('own')
    class OwnController extends Routes {}
    await boot([withoutGlobal()], { controllers: [GuardedController, OwnController], customize });
    expect(await statuses('/guarded')).toEqual([200, 200, 200, 200]);
    // A guard of another class is overridden by its own.
    expect((await app?.get('/own/orders'))?.status).toBe(way.includes('Provider') ? 200 : 401);
  });

  it('is replaced in tests where the application made it global', async () => {
    await boot([withoutGlobal()], {
      controllers: [PlainController],
      providers: [{ provide: APP_GUARD, useExisting: AuthGuard }],
      customize: (builder) => builder.overrideProvider(AuthGuard).useValue(OPEN),
    });
    expect(await statuses('/plain')).toEqual([200, 200, 200, 200]);
  });

  it.each<[string, () => Import]>([
    ['without a global guard', () => withoutGlobal()],
    ['under one', () => AuthModule.forRoot(issuer.options)],
  ])('mocked claims count where @UseGuards() is, %s', async (_, module) => {
    await boot([module()], {
      controllers: [GuardedController],
      customize: (builder) => mockClaims({ sub: 'ann', scope: 'none' }).applyTo(builder),
    });
    expect((await app?.get('/guarded/orders'))?.body).toEqual({ sub: 'ann' });
    expect((await app?.get('/guarded/refund'))?.status).toBe(403);
  });
});
