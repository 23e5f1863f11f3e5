/** Where may the module be imported? Once, with options, while the application starts: anything else is a rejected start. */
import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { LazyModuleLoader, REQUEST } from '@nestjs/core';
import { AuthModule, ConfigurationError, TokenValidationService } from 'nestjs-resource-server';
import { bootModule, PLATFORMS, type AppSettings, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';

const OPTIONS = { issuer: 'https://issuer.example', audience: AUDIENCE, warmUp: 'off' } as const;

function moduleWith(
  ...imports: NonNullable<AppSettings['imports']>
): NonNullable<AppSettings['imports']>[number] {
  @Module({ imports: [...imports] })
  class OrdersModule {}
  return OrdersModule;
}

describe.each(PLATFORMS)('importing the module on %s', (platform) => {
  let app: TestApp | undefined;
  const boot = async (...imports: NonNullable<AppSettings['imports']>): Promise<TestApp> =>
    (app = await bootModule(imports, { platform }));

  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  it.each([
    ['twice', () => [AuthModule.forRoot(OPTIONS), moduleWith(AuthModule.forRoot(OPTIONS))]],
    [
      'with two prefixes of variables',
      () => [
        AuthModule.forRoot(OPTIONS),
        moduleWith(AuthModule.forRoot({ ...OPTIONS, envPrefix: 'OTHER_' })),
      ],
    ],
    [
      'in both ways, with a document to serve',
      () => {
        const options = { ...OPTIONS, resourceMetadata: { resource: AUDIENCE } };
        const other = AuthModule.forRootAsync({ useFactory: () => options });
        return [AuthModule.forRoot(options), moduleWith(other)];
      },
    ],
  ])('does not start with it %s, and names who imports it', async (_, imports) => {
    const start = boot(...imports());
    await expect(start).rejects.toBeInstanceOf(ConfigurationError);
    await expect(start).rejects.toThrow(
      'AuthModule: imported 2 times (by RootTestModule, OrdersModule); import forRoot() or forRootAsync() once',
    );
  });

  it('starts with the same import in two modules, and with the bare class beside it', async () => {
    const issuer = await Issuer.start();
    const only = AuthModule.forRoot(issuer.options);
    await boot(only, moduleWith(only), moduleWith(AuthModule));
    expect((await app?.get('/things'))?.status).toBe(401);
    expect((await app?.get('/things', bearer(issuer.token())))?.status).toBe(200);
    expect(issuer.server.requests).toHaveLength(2);
    await issuer.close();
  });

  it('does not start with the bare class alone', async () => {
    await expect(boot(AuthModule)).rejects.toThrow('AuthModule: imported without options');
  });

  it('cannot be loaded lazily, when every route is open already', async () => {
    const { nest } = await boot();
    const load = (module: NonNullable<AppSettings['imports']>[number]): Promise<unknown> =>
      nest.get(LazyModuleLoader).load(() => module as never);
    await expect(load(AuthModule.forRoot(OPTIONS))).rejects.toThrow('AuthModule: loaded lazily');
  });

  it('cannot be loaded lazily with a module that imports it', async () => {
    const { nest } = await boot();
    const load = nest.get(LazyModuleLoader).load(() => moduleWith(AuthModule.forRoot(OPTIONS)) as never);
    await expect(load).rejects.toThrow('AuthModule: loaded lazily');
  });

  it('serves modules that are loaded lazily', async () => {
    const { nest } = await boot(AuthModule.forRoot(OPTIONS));
    @Injectable()
    class Reports {
      constructor(readonly tokens: TokenValidationService) {}
    }
    @Module({ providers: [Reports] })
    class ReportsModule {}
    const loaded = await nest.get(LazyModuleLoader).load(() => ReportsModule);
    expect(loaded.get(Reports).tokens).toBe(nest.get(TokenValidationService));
  });
});

/** Nest of this repository refuses these by itself; test/package/consumers/nest-versions boots them on those that do not. */
describe('what is request-scoped', () => {
  @Injectable({ scope: Scope.REQUEST, durable: true })
  class Tenant {
    constructor(@Inject(REQUEST) readonly request: unknown) {}
  }
  @Module({ providers: [Tenant], exports: [Tenant] })
  class TenantModule {}

  it.each([
    ['the request', true, AuthModule.forRootAsync({ inject: [REQUEST], useFactory: () => OPTIONS })],
    [
      'something durable',
      true,
      AuthModule.forRootAsync({ imports: [TenantModule], inject: [Tenant], useFactory: () => OPTIONS }),
    ],
    [
      'the request, without a global guard',
      false,
      AuthModule.forRootAsync({ globalGuard: false, inject: [REQUEST], useFactory: () => OPTIONS }),
    ],
  ])('cannot be injected into the factory: %s', async (_name, isGlobal, module) => {
    const start = bootModule([module], { platform: 'Express', controllers: [] });
    await expect(start).rejects.toThrow(
      isGlobal
        ? /request-scoped/
        : 'AuthModule: a provider that forRootAsync() injects, or a dependency of it',
    );
  });
});
