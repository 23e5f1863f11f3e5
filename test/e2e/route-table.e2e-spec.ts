/** Which routes are there, and what does each ask? Compared with what the platform answers to. */
import {
  All,
  Controller,
  Get,
  Injectable,
  Module,
  Post,
  RequestMethod,
  Search,
  Version,
  VERSION_NEUTRAL,
  VersioningType,
  type INestApplication,
  type MiddlewareConsumer,
  type NestMiddleware,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type VersioningOptions,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Router, static as serveStatic, type Express } from 'express';
import {
  AuthModule,
  CertBound,
  ConfigurationError,
  DPoPBound,
  Groups,
  Introspect,
  OptionalAuth,
  Public,
  RouteTable,
  Scopes,
  type AuthModuleOptions,
  type RouteEntry,
} from 'nestjs-resource-server';
import {
  bootApp,
  PLATFORMS,
  type AppSettings,
  type Controllers,
  type Platform,
  type TestApp,
} from '../support/app.js';
import { AUDIENCE, CLIENT_SECRET } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';

// Nothing here asks the provider.
const OPTIONS: AuthModuleOptions = { issuer: 'https://issuer.example', audience: AUDIENCE };
const INTROSPECTING = { ...OPTIONS, clientId: 'the-api', clientSecret: CLIENT_SECRET };

@Scopes('read:orders')
@Controller('orders')
class OrdersController {
  @Get() list(): string {
    return 'orders';
  }
  @Post() @Scopes('write:orders') create(): string {
    return 'created';
  }
  @Get('teaser') @OptionalAuth() teaser(): string {
    return 'teaser';
  }
  @Get('status') @Public() status(): string {
    return 'up';
  }
  @Post(':id/refund') @CertBound() @DPoPBound() @Introspect({ maxAge: 10 }) refund(): string {
    return 'refunded';
  }
  @Get('audit') @Groups('auditor', 'ops') @Groups(['eu', 'staff'], { matchAll: true }) audit(): string {
    return 'audit';
  }
}

@Controller('me')
class MeController {
  @Get() show(): string {
    return 'me';
  }
}

const rows = (app: TestApp): string[] => describeRows(app.nest.get(RouteTable).list());
const describeRows = (entries: readonly RouteEntry[]): string[] =>
  entries.map(({ method, path, version, access }) =>
    [method, path, version === undefined ? '' : `v${version}`, access]
      .filter((each) => each !== '')
      .join(' '),
  );

/** What is used of it here; the package fastify is not ours to import. */
interface FastifyInstance {
  route(route: { method: string; url: string; handler: () => unknown }): unknown;
  get(path: string, handler: () => unknown): unknown;
  all(path: string, handler: () => unknown): unknown;
  register(
    plugin: (instance: FastifyInstance, options: unknown, done: () => void) => void,
    options: { prefix: string },
  ): unknown;
}

describe.each(PLATFORMS)('the route table on %s', (platform) => {
  let app: TestApp | undefined;
  const boot = async (
    controllers: Controllers,
    settings: Partial<AppSettings> = {},
    options: AuthModuleOptions = OPTIONS,
  ): Promise<TestApp> => (app = await bootApp(options, { platform, controllers, ...settings }));

  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  it('says what each route asks, as Markdown, text and JSON', async () => {
    const booted = await boot([OrdersController, MeController], {}, INTROSPECTING);
    const table = booted.nest.get(RouteTable);
    expect(table.toMarkdown()).toBe(
      [
        '| method | path | requires | handler |',
        '| --- | --- | --- | --- |',
        '| `GET` | `/me` | any valid token | `MeController.show` |',
        '| `GET` | `/orders` | scope read:orders | `OrdersController.list` |',
        '| `POST` | `/orders` | scopes read:orders write:orders | `OrdersController.create` |',
        '| `POST` | `/orders/:id/refund` | scope read:orders; bound to the certificate; bound by DPoP; introspected within 10 s | `OrdersController.refund` |',
        '| `GET` | `/orders/audit` | scope read:orders; groups eu and staff; groups auditor or ops | `OrdersController.audit` |',
        '| `GET` | `/orders/status` | public | `OrdersController.status` |',
        '| `GET` | `/orders/teaser` | optional token, with scope read:orders | `OrdersController.teaser` |',
        '',
      ].join('\n'),
    );
    expect(table.toText()).toMatch(
      /^method {2}path {16}requires +handler\nGET {5}\/me {17}any valid token +MeController\.show\n/,
    );
    const json = JSON.parse(JSON.stringify(table)) as unknown[];
    expect(json).toHaveLength(7);
    expect(json[4]).toEqual({
      kind: 'http',
      method: 'GET',
      path: '/orders/audit',
      access: 'protected',
      declared: true,
      scopes: ['read:orders'],
      groups: [
        { groups: ['eu', 'staff'], matchAll: true, groupsClaim: 'groups' },
        { groups: ['auditor', 'ops'], matchAll: false, groupsClaim: 'groups' },
      ],
      requires: ['scope read:orders', 'groups eu and staff', 'groups auditor or ops'],
      binding: [],
      handler: 'OrdersController.audit',
    });
  });

  it('counts what the options ask of every token', async () => {
    const booted = await boot(
      [OrdersController],
      {},
      {
        ...INTROSPECTING,
        validateCertificateBinding: 'required',
        dpop: { mode: 'required' },
        groupOptions: { matchAll: true, groupsClaim: 'roles' },
      },
    );
    const entries = booted.nest.get(RouteTable).list();
    const bindingOf = (handler: string): unknown =>
      entries.find((each) => each.handler === `OrdersController.${handler}`)?.binding;
    expect([bindingOf('list'), bindingOf('teaser'), bindingOf('status')]).toEqual([
      ['certificate', 'dpop'],
      ['certificate', 'dpop'],
      [],
    ]);
    expect(entries.flatMap(({ groups }) => groups)).toContainEqual({
      groups: ['auditor', 'ops'],
      matchAll: true,
      groupsClaim: 'roles',
    });
  });

  it('has the global prefix but where it is excluded, and the paths of RouterModule', async () => {
    @Controller('feature')
    class FeatureController {
      @Get() show(): string {
        return 'feature';
      }
      @Get('health') health(): string {
        return 'up';
      }
    }
    @Module({ controllers: [FeatureController] })
    class FeatureModule {}
    const booted = await boot([MeController], {
      imports: [FeatureModule, RouterModule.register([{ path: 'admin', module: FeatureModule }])],
      beforeListening: (nest) => {
        nest.setGlobalPrefix('api', {
          exclude: ['me', { path: 'admin/feature/health', method: RequestMethod.GET }],
        });
      },
    });
    expect(rows(booted)).toEqual([
      'GET /admin/feature/health protected',
      'GET /api/admin/feature protected',
      'GET /me protected',
    ]);
    for (const path of ['/admin/feature/health', '/api/admin/feature', '/me'])
      expect([path, (await booted.get(path)).status]).toEqual([path, 401]);
  });

  describe('versions', () => {
    @Controller({ path: 'things', version: ['1', '2'] })
    class ThingsController {
      @Get() @Scopes('old') list(): string {
        return 'old';
      }
      @Get() @Version('3') @Scopes('new') listAnew(): string {
        return 'new';
      }
      @Get('listed') @Version([VERSION_NEUTRAL]) listed(): string {
        return 'listed';
      }
      @Get('neutral') @Version(VERSION_NEUTRAL) neutral(): string {
        return 'neutral';
      }
    }
    const bootVersioned = (versioning: VersioningOptions): Promise<TestApp> =>
      boot([ThingsController, MeController], {
        beforeListening: (nest) => {
          nest.enableVersioning(versioning);
        },
      });

    it('stand in the path where they are part of the URI', async () => {
      const booted = await bootVersioned({ type: VersioningType.URI, prefix: 'r', defaultVersion: '9' });
      expect(rows(booted)).toEqual([
        'GET /r1/things v1 protected',
        'GET /r2/things v2 protected',
        'GET /r3/things v3 protected',
        'GET /r9/me v9 protected',
        'GET /things/listed vneutral protected',
        'GET /things/neutral vneutral protected',
      ]);
      for (const { path } of booted.nest.get(RouteTable).list())
        expect([path, (await booted.get(path)).status]).toEqual([path, 401]);
    });

    it.each<[string, VersioningOptions]>([
      ['a header', { type: VersioningType.HEADER, header: 'x-version' }],
      ['a media type', { type: VersioningType.MEDIA_TYPE, key: 'v=' }],
      ['the application’s own rule', { type: VersioningType.CUSTOM, extractor: () => ['1'] }],
    ])('stand beside the path where %s tells them', async (_, versioning) => {
      const booted = await bootVersioned({ ...versioning, defaultVersion: VERSION_NEUTRAL });
      expect(rows(booted)).toEqual([
        'GET /me vneutral protected',
        'GET /things v1 protected',
        'GET /things v2 protected',
        'GET /things v3 protected',
        'GET /things/listed vneutral protected',
        'GET /things/neutral vneutral protected',
      ]);
      expect(booted.nest.get(RouteTable).toMarkdown()).toContain(
        '| `GET` | `/things` | 3 | scope new | `ThingsController.listAnew` |\n',
      );
    });
  });

  it('knows every way to write a route, and takes middleware and Nest’s own answers for none', async () => {
    abstract class Listing {
      @Get('list') @Scopes('read') list(): string {
        return 'list';
      }
    }
    @Controller(['cats', 'felines'])
    class CatsController extends Listing {
      @Get(['a', 'b']) both(): string {
        return 'both';
      }
      @All('all') all(): string {
        return 'all';
      }
      @Search('search') search(): string {
        return 'search';
      }
      @Get('files/*') files(): string {
        return 'file';
      }
      @Post(':id/:part') withParameters(): string {
        return 'part';
      }
    }
    /** As tracing and caching decorators do. */
    const Traced = (): MethodDecorator => (_target, property, descriptor: { value?: unknown }) => {
      const method = descriptor.value as (...args: unknown[]) => unknown;
      const traced = {
        [String(property)](this: unknown, ...args: unknown[]) {
          return method.apply(this, args);
        },
      }[String(property)] as object;
      for (const key of Reflect.getMetadataKeys(method))
        Reflect.defineMetadata(key, Reflect.getMetadata(key, method), traced);
      descriptor.value = traced;
    };
    const mixed = (scope: string) => {
      @Controller({ path: 'mixed', host: ['a.example', 'b.example'] })
      class MixedController {
        @Traced() @Get() @Scopes(scope) show(): string {
          return 'mixed';
        }
      }
      return MixedController;
    };
    @Injectable()
    class Noop implements NestMiddleware {
      use(_request: unknown, _response: unknown, next: () => void): void {
        next();
      }
    }
    @Module({})
    class WithMiddleware {
      configure(consumer: MiddlewareConsumer): void {
        consumer
          .apply(Noop)
          .forRoutes(CatsController, { path: 'cats/list', method: RequestMethod.GET }, 'elsewhere');
      }
    }
    const booted = await boot([CatsController, mixed('mix')], {
      imports: [WithMiddleware],
      beforeListening: (nest) => {
        nest.setGlobalPrefix('api', { exclude: ['cats/list'] });
        nest.enableCors();
      },
    });
    expect(rows(booted)).toEqual(
      [
        'ALL /api/cats/all protected',
        'GET /api/cats/a protected',
        'GET /api/cats/b protected',
        'GET /api/cats/files/* protected',
        'POST /api/cats/:id/:part protected',
        'SEARCH /api/cats/search protected',
        'ALL /api/felines/all protected',
        'GET /api/felines/a protected',
        'GET /api/felines/b protected',
        'GET /api/felines/files/* protected',
        'GET /api/felines/list protected',
        'POST /api/felines/:id/:part protected',
        'SEARCH /api/felines/search protected',
        'GET /api/mixed protected',
        'GET /cats/list protected',
      ].toSorted(byPath),
    );
    expect(booted.nest.get(RouteTable).list()).toContainEqual(
      expect.objectContaining({ path: '/api/mixed', host: 'a.example, b.example', scopes: ['mix'] }),
    );
  });

  it('shows what is on the adapter itself as unprotected', async () => {
    const booted = await boot([MeController], {
      beforeListening: (nest) => {
        nest.setGlobalPrefix('api');
        nest.getHttpAdapter().get('/raw/:id', (_request: unknown, response: { send(body: string): void }) => {
          response.send('raw');
        });
        putOnInstance[platform](nest);
      },
    });
    expect(rows(booted)).toEqual(
      {
        Express: [
          'GET /admin/jobs unprotected',
          'GET /api/me protected',
          'GET /assets/* unprotected',
          'ALL /everything unprotected',
          'GET /raw/:id unprotected',
          'GET …/hidden unprotected',
        ],
        Fastify: [
          'GET /admin/jobs unprotected',
          'GET /api/me protected',
          'POST /direct unprotected',
          'ALL /everything unprotected',
          'GET /raw/:id unprotected',
        ],
      }[platform],
    );
    expect((await booted.get('/raw/1')).status).toBe(200);
    expect(booted.nest.get(RouteTable).toMarkdown()).toContain(
      '| `GET` | `/raw/:id` | unprotected: no guard runs |',
    );
  });

  it('shows what was there before the application', async () => {
    const module = await Test.createTestingModule({
      imports: [AuthModule.forRoot(OPTIONS)],
      controllers: [MeController],
    }).compile();
    const adapter = platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
    const raw = (_request: unknown, response: { send(body: string): void }): void => response.send('raw');
    for (const path of ['/early', '/early/:id', '/early/:id/more', '/other']) adapter.get(path, raw);
    adapter.post('/early', raw);
    const nest = module.createNestApplication<NestFastifyApplication>(adapter as FastifyAdapter);
    await nest.init();
    expect(describeRows(nest.get(RouteTable).list())).toEqual([
      'GET /early unprotected',
      'POST /early unprotected',
      'GET /early/:id unprotected',
      'GET /early/:id/more unprotected',
      'GET /me protected',
      'GET /other unprotected',
    ]);
    await nest.close();
  });

  it('says so when it is asked too early', async () => {
    @Injectable()
    class Early implements OnModuleInit, OnApplicationBootstrap {
      atBootstrap: readonly RouteEntry[] = [];
      constructor(readonly table: RouteTable) {}
      onModuleInit(): void {}
      onApplicationBootstrap(): void {
        this.atBootstrap = this.table.list();
      }
    }
    const booted = await boot([MeController], {
      providers: [Early],
      beforeListening: (nest) => {
        const table = nest.get(RouteTable);
        for (const ask of [() => table.list(), () => table.toText(), () => JSON.stringify(table)])
          expect(ask).toThrow('the routes are known after app.init() or app.listen()');
      },
    });
    expect(booted.nest.get(Early).atBootstrap).toHaveLength(1);
  });

  describe('audit', () => {
    const undeclared = [
      'AuthModule: 3 routes declare nothing (audit)',
      '  GET /introspected: ThingsController.introspected declares nothing; any valid token is accepted',
      '  GET /me: MeController.show declares nothing; any valid token is accepted',
      '  GET /raw: is registered on the adapter, where no guard runs',
    ].join('\n');

    @Controller()
    class ThingsController {
      @Get('public') @Public() public(): string {
        return 'public';
      }
      @Get('optional') @OptionalAuth() optional(): string {
        return 'optional';
      }
      @Get('scopes') @Scopes('a') scopes(): string {
        return 'scopes';
      }
      @Get('groups') @Groups('a') groups(): string {
        return 'groups';
      }
      @Get('bound') @CertBound() bound(): string {
        return 'bound';
      }
      @Get('dpop') @DPoPBound() dpop(): string {
        return 'dpop';
      }
      @Get('introspected') @Introspect() introspected(): string {
        return 'introspected';
      }
    }

    const audited = (options: AuthModuleOptions): Promise<TestApp> =>
      boot(
        [ThingsController, OrdersController, MeController],
        {
          beforeListening: (nest) => {
            nest.getHttpAdapter().get('/raw', (_request: unknown, response: { send(body: string): void }) => {
              response.send('raw');
            });
          },
        },
        { ...INTROSPECTING, ...options },
      );
    const audits = (): string[] => loggedLines().filter((line) => line.includes('(audit)'));

    it('refuses to start with routes that declare nothing, and names them all', async () => {
      const error: unknown = await audited({ audit: 'error' }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toBe(undeclared);
    });

    it('warns of them', async () => {
      await audited({ audit: 'warn' });
      expect(audits()).toEqual([`${undeclared} AuthModule`]);
    });

    it('is off by default, and by option', async () => {
      await audited({});
      await app?.close();
      await audited({ audit: 'off' });
      expect(audits()).toEqual([]);
    });

    it('passes over what it is told to, by path, method and path, or beginning', async () => {
      await audited({ audit: 'error', auditIgnore: ['/me', 'GET /raw', '/intro*'] });
      await app?.close();
      await expect(audited({ audit: 'error', auditIgnore: ['/m', 'POST /raw', 'intro*'] })).rejects.toThrow(
        undeclared,
      );
    });

    it('counts what plugins and routers bring, and leaves the platform open for more', async () => {
      let created: INestApplication | undefined;
      /** As modules do that bring a page of their own; on Fastify the plugin is not loaded by then. */
      class Pages implements OnModuleInit {
        onModuleInit(): void {
          if (created) putOnInstance[platform](created);
        }
      }
      const booted = await boot(
        [],
        {
          providers: [Pages],
          beforeListening: async (nest) => {
            created = nest;
            await nest.init();
            const late = (_request: unknown, response: { send(body: string): void }): void =>
              response.send('late');
            nest.getHttpAdapter().get('/late', late);
          },
        },
        { ...OPTIONS, audit: 'warn' },
      );
      expect(audits().join()).toContain('GET /admin/jobs: ');
      expect(audits().join()).not.toContain('/late');
      expect(rows(booted)).toContain('GET /late unprotected');
    });

    it('can be asked for by a variable', async () => {
      process.env['AUDITED_AUDIT'] = 'error';
      process.env['AUDITED_AUDIT_IGNORE'] = '/me, /raw';
      await expect(audited({ envPrefix: 'AUDITED_' })).rejects.toThrow('1 route declares nothing');
      process.env['AUDITED_AUDIT'] = 'loud';
      await expect(audited({ envPrefix: 'AUDITED_' })).rejects.toThrow(
        'audit (AUDITED_AUDIT): "loud" is not one of off, warn, error',
      );
      delete process.env['AUDITED_AUDIT'];
      delete process.env['AUDITED_AUDIT_IGNORE'];
    });
  });
});

/** Past Nest's adapter, on the platform's own instance. */
const putOnInstance: Record<Platform, (nest: INestApplication) => void> = {
  Express: (nest) => {
    const answer = (_request: unknown, response: { send(body: string): unknown }): void =>
      void response.send('raw');
    const express: Express = nest.getHttpAdapter().getInstance();
    express.all('/everything', answer);
    nest.use('/admin', Router().get('/jobs', answer));
    express.use('/somewhere', Router().get('/hidden', answer));
    nest.use('/assets', serveStatic('test/support'));
  },
  Fastify: (nest) => {
    const fastify: FastifyInstance = nest.getHttpAdapter().getInstance();
    fastify.route({ method: 'POST', url: '/direct', handler: () => Promise.resolve('raw') });
    fastify.all('/everything', () => Promise.resolve('raw'));
    void fastify.register(
      (plugin, _options, done) => {
        plugin.get('/jobs', () => Promise.resolve('raw'));
        done();
      },
      { prefix: '/admin' },
    );
  },
};

function byPath(a: string, b: string): number {
  const [key, other] = [a, b].map((row) => row.split(' ').slice(0, 2).toReversed().join('\0'));
  return (key ?? '') < (other ?? '') ? -1 : 1;
}
