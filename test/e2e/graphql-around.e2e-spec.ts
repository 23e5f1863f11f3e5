/** What stands around the guard knows GraphQL: route table, audit, resource metadata, events, mockClaims. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import {
  Args,
  Field,
  Mutation,
  ObjectType,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { Test } from '@nestjs/testing';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  AuthModule,
  Claims,
  DECISION_CHANNEL,
  Groups,
  OptionalAuth,
  Public,
  RouteTable,
  Scopes,
  type AuthModuleOptions,
  type DecisionEvent,
  type IncomingRequest,
} from 'nestjs-resource-server';
import type { FastifyInstance } from 'fastify';
import { mockClaims } from 'nestjs-resource-server/testing';
import { bootApp, type AppSettings, type Platform, type TestApp } from '../support/app.js';
import { graphqlModule, post, STACKS, type GraphQLAnswer } from '../support/graphql.js';
import { bearer, send } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';
import { outputLogger } from '../support/output-logger.js';

@ObjectType()
class Order {
  @Field() id!: string;
}

@Resolver(() => Order)
@Groups('staff')
class OrderResolver {
  @Query(() => [Order]) @Scopes('read:orders') orders(): Order[] {
    return [{ id: '1' }];
  }
  @Mutation(() => String) cancel(@Args('id') id: string): string {
    return id;
  }
  @Subscription(() => Order, { name: 'placed' }) @OptionalAuth() onPlaced(): AsyncIterable<unknown> {
    throw new Error('never opened');
  }
  @ResolveField(() => String) @Scopes('read:prices') price(): string {
    return '1';
  }
  /** Only a helper. */
  helper(): void {}
}

@Resolver()
class OpenResolver {
  @Query(() => String) @Public() status(): string {
    return 'up';
  }
  @Query(() => String) undeclared(@Claims('sub') sub: string): string {
    return sub;
  }
}

@Controller('http')
class HttpController {
  @Get() @Scopes('read:http') read(): string {
    return 'read';
  }
}

type WithCookies = IncomingRequest & { cookies?: Record<string, string> };

/** As the cookie parsers of both platforms do it: a property of the platform's request. */
function parseCookies(nest: INestApplication, platform: Platform): void {
  const parse = (request: WithCookies, _: unknown, next: () => void): void => {
    const [name = '', value = ''] = (request.headers.cookie ?? '').split('=');
    request.cookies = { [name]: value };
    next();
  };
  if (platform === 'Express') nest.use(parse);
  else (nest.getHttpAdapter().getInstance() as FastifyInstance).addHook('onRequest', parse);
}

describe.each(STACKS)('around GraphQL: $name', ({ driver, platform }) => {
  let issuer: Issuer;
  const apps: TestApp[] = [];
  const boot = async (
    options: AuthModuleOptions = {},
    settings: Partial<AppSettings> = {},
  ): Promise<TestApp> => {
    const app = await bootApp(
      { ...issuer.options, ...options },
      {
        ...settings,
        platform,
        controllers: [HttpController],
        imports: [graphqlModule(driver, { fieldResolverEnhancers: ['guards'] })],
        providers: [OrderResolver, OpenResolver],
      },
    );
    apps.push(app);
    return app;
  };
  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  afterAll(async () => {
    await Promise.all(apps.map((app) => app.close()));
    await issuer.close();
  });

  it('lists every field that the guard is run for, and not the endpoint', async () => {
    const app = await boot();
    expect(app.nest.get(RouteTable).toMarkdown()).toBe(
      [
        '| kind | method | path | requires | handler |',
        '| --- | --- | --- | --- | --- |',
        '| | `GET` | `/http` | scope read:http | `HttpController.read` |',
        '| graphql | `FIELD` | `Order.price` | scope read:prices; group staff | `OrderResolver.price` |',
        '| graphql | `MUTATION` | `cancel` | group staff | `OrderResolver.cancel` |',
        '| graphql | `QUERY` | `orders` | scope read:orders; group staff | `OrderResolver.orders` |',
        '| graphql | `SUBSCRIPTION` | `placed` | optional token, with group staff | `OrderResolver.onPlaced` |',
        '| graphql | `QUERY` | `status` | public | `OpenResolver.status` |',
        '| graphql | `QUERY` | `undeclared` | any valid token | `OpenResolver.undeclared` |',
        '',
      ].join('\n'),
    );
  });

  it('gives functions of the application all that others have put on the request', async () => {
    const app = await boot(
      { tokenResolver: (request) => (request as WithCookies).cookies?.['session'] },
      { beforeListening: (nest) => parseCookies(nest, platform) },
    );
    const answer = await post(app, '{ undeclared }', { cookie: `session=${issuer.token()}` });
    expect(answer).toMatchObject({ body: { data: { undeclared: issuer.claims().sub } } });
    expect(await post(app, '{ undeclared }')).toMatchObject({
      body: { errors: [{ extensions: { errorCode: 'missing_token' } }] },
    });
  });

  it('audits fields that declare nothing', async () => {
    await expect(boot({ audit: 'error' })).rejects.toThrow(
      /1 route declares nothing \(audit\)\n {2}QUERY undeclared: OpenResolver\.undeclared declares nothing/,
    );
    await boot({ audit: 'error', auditIgnore: ['QUERY undeclared'] });
  });

  it('names the scopes of fields in the resource metadata', async () => {
    const app = await boot({ audience: 'https://api.example.com', resourceMetadata: true });
    const { body } = await app.get('/.well-known/oauth-protected-resource');
    expect(body).toMatchObject({ scopes_supported: ['read:http', 'read:orders', 'read:prices'] });
  });

  it('publishes a decision for each field', async () => {
    const app = await boot();
    const events: DecisionEvent[] = [];
    const listen = (event: unknown): void => void events.push(event as DecisionEvent);
    subscribe(DECISION_CHANNEL, listen);
    await post(app, '{ status undeclared orders { id } }', bearer(issuer.token({ claims: { scope: '' } })));
    unsubscribe(DECISION_CHANNEL, listen);
    expect(events).toHaveLength(3);
    expect(events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ transport: 'graphql', route: 'OpenResolver.status', reason: 'public' }),
        expect.objectContaining({ transport: 'graphql', route: 'OpenResolver.undeclared', reason: 'token' }),
        expect.objectContaining({
          transport: 'graphql',
          route: 'OrderResolver.orders',
          reason: 'scope',
          status: 403,
        }),
      ]),
    );
  });

  it('mocks the caller', async () => {
    const guard = mockClaims({ sub: 'ann', scope: 'read:orders', groups: ['staff'] });
    const builder = Test.createTestingModule({
      imports: [AuthModule.forRoot(), graphqlModule(driver, { fieldResolverEnhancers: ['guards'] })],
      providers: [OrderResolver, OpenResolver],
    });
    const module = await guard.applyTo(builder).setLogger(outputLogger).compile();
    const nest =
      platform === 'Express'
        ? module.createNestApplication(new ExpressAdapter())
        : module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
    await nest.listen(0, '127.0.0.1');
    const origin = await nest.getUrl();
    const ask = async (query: string): Promise<GraphQLAnswer> =>
      (
        await send(`${origin}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query }),
        })
      ).body as GraphQLAnswer;
    try {
      expect(await ask('{ undeclared orders { id } }')).toEqual({
        data: { undeclared: 'ann', orders: [{ id: '1' }] },
      });
      expect((await ask('{ orders { price } }')).errors?.[0]).toMatchObject({
        message: 'forbidden',
        extensions: { code: 'FORBIDDEN', errorCode: 'insufficient_scope' },
      });
      guard.claims = undefined;
      expect((await ask('{ undeclared }')).errors?.[0]).toMatchObject({
        message: 'unauthorized',
        extensions: { code: 'UNAUTHENTICATED', errorCode: 'missing_token' },
      });
      // What a caller does wrong is no fault of the server.
      expect(loggedLines().filter((line) => /GraphQLRefusal|ExceptionsHandler/.test(line))).toEqual([]);
    } finally {
      await nest.close();
    }
  });
});
