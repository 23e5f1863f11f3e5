/**
 * What a route can require, wherever it is checked or told: by order, for signed and opaque tokens, fresh and remembered, in
 * GraphQL, in the route table, OpenAPI, events and mocks.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Controller, Get, Req, type Type } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { MessagePattern } from '@nestjs/microservices';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import {
  AnyScope,
  applyResourceServerSecurity,
  AuthModule,
  CertBound,
  DECISION_CHANNEL,
  DPoPBound,
  Groups,
  RequireClaims,
  requireScopes,
  RouteTable,
  Scopes,
  StepUp,
  type DecisionEvent,
} from 'nestjs-resource-server';
import { mockClaims } from 'nestjs-resource-server/testing';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { DPoPClient } from '../support/dpop.js';
import { graphqlModule, post, STACKS } from '../support/graphql.js';
import { bearer, type Answer } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { nowInSeconds } from '../support/tokens.js';

/** Declared in another order than they are checked in. */
@Controller()
@StepUp({ acrValues: ['gold'], maxAge: 600 })
class OrderController {
  @Get('everything')
  @RequireClaims({ plan: (plan) => plan === 'pro' })
  @Groups('staff')
  @AnyScope('read', 'manage')
  @Scopes('base')
  everything(): string {
    return 'ok';
  }
  @Get('bound') @Scopes('base') @CertBound() bound(): string {
    return 'ok';
  }
  @Get('fresh') @AnyScope('read', 'manage') fresh(): string {
    return 'ok';
  }
}

@Controller()
class ToolsController {
  @Get('tool') tool(@Req() request: object): string {
    requireScopes(request, 'tools:write');
    return 'ok';
  }
  @Get('pay') @DPoPBound() @Scopes('pay') @StepUp({ maxAge: 60 }) pay(): string {
    return 'ok';
  }
}

const controllers = [OrderController, ToolsController];
const ALL = { scope: 'base manage', groups: ['staff'], plan: 'pro', acr: 'gold' };

describe.each(PLATFORMS)('requirements on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;
  const decisions: DecisionEvent[] = [];
  const onDecision = (event: unknown): unknown => decisions.push(event as DecisionEvent);

  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootApp(
      { ...issuer.introspecting, introspectionCacheDuration: 3600, dpop: { mode: 'when_present' } },
      { platform, controllers },
    );
    subscribe(DECISION_CHANNEL, onDecision);
  });
  beforeEach(() => {
    decisions.length = 0;
  });
  afterAll(async () => {
    unsubscribe(DECISION_CHANNEL, onDecision);
    await app.close();
    await issuer.close();
  });

  const fresh = (claims: Record<string, unknown> = {}): Record<string, unknown> => ({
    ...ALL,
    auth_time: nowInSeconds(),
    ...claims,
  });
  const tokens = (claims: Record<string, unknown>): string[] => [
    issuer.token({ claims }),
    issuer.opaqueToken(claims),
  ];
  const STEP_UP =
    'error="insufficient_user_authentication", error_description="The caller must sign in again, as the challenge requires"';

  /** Each row lacks what it names and everything that is checked after it; the answer is about the first. */
  const nothing = { groups: undefined, plan: undefined, acr: undefined, auth_time: undefined };
  it.each<[string, string, () => Record<string, unknown>, number, string, string]>([
    [
      'audience',
      '/everything',
      () => ({ ...nothing, scope: undefined, aud: 'https://other.example' }),
      401,
      'audience',
      'error="invalid_token"',
    ],
    [
      'issuer',
      '/everything',
      () => ({ ...nothing, scope: undefined, iss: 'https://other.example' }),
      401,
      'issuer',
      'error="invalid_token"',
    ],
    ['binding', '/bound', () => ({ ...nothing, scope: undefined }), 401, 'binding', 'error="invalid_token"'],
    ['scope', '/everything', () => ({ ...nothing, scope: 'read' }), 403, 'scope', 'scope="base read"'],
    ['any scope', '/everything', () => ({ ...nothing, scope: 'base' }), 403, 'scope', 'scope="base read"'],
    [
      'group',
      '/everything',
      () => ({ ...nothing, scope: 'base read' }),
      403,
      'group',
      'error="insufficient_scope"',
    ],
    [
      'claim',
      '/everything',
      () => fresh({ plan: 'free', acr: undefined }),
      403,
      'claim',
      'error="insufficient_scope"',
    ],
    [
      'sign-in',
      '/everything',
      () => fresh({ acr: 'bronze' }),
      401,
      'authentication',
      `${STEP_UP}, acr_values="gold", max_age="600", scope="base read"`,
    ],
    ['nothing', '/everything', () => fresh(), 200, 'token', ''],
  ])('answer for the first that is missing: %s', async (_name, path, claims, status, reason, challenge) => {
    for (const token of tokens(claims())) {
      for (const _time of ['fresh', 'remembered']) {
        decisions.length = 0;
        const answer = await app.get(path, bearer(token));
        expect(answer.status).toBe(status);
        expect(decisions.map((each) => each.reason ?? '')).toEqual([reason]);
        if (status === 200) continue;
        expect(String(answer.headers['www-authenticate'])).toContain(challenge);
        expect(answer.text).not.toMatch(/gold|pro|staff/);
      }
    }
  });

  it('say nothing of the token in a challenge', async () => {
    const claims = fresh({ acr: 'secret-acr', scope: 'base read secret-scope', auth_time: 1 });
    for (const token of tokens(claims)) {
      const { headers } = await app.get('/everything', bearer(token));
      expect(JSON.stringify(headers)).not.toMatch(/secret-/);
    }
  });

  it('read acr, auth_time and amr from introspection as from a JWT, and let a sign-in age while both are remembered', async () => {
    for (const token of tokens(fresh({ amr: ['pwd', 'otp'], exp: nowInSeconds() + 3600 }))) {
      expect((await app.get('/fresh', bearer(token))).status).toBe(200);
      expect((await app.get('/fresh', bearer(token))).status).toBe(200);
    }
    const [jwt = '', opaque = ''] = tokens(fresh({ exp: nowInSeconds() + 7200 }));
    const asked = issuer.server.introspections.length;
    for (const token of [jwt, opaque]) expect((await app.get('/fresh', bearer(token))).status).toBe(200);
    advanceClock(550);
    for (const token of [jwt, opaque]) expect((await app.get('/fresh', bearer(token))).status).toBe(200);
    advanceClock(115);
    for (const token of [jwt, opaque]) {
      const { status, headers } = await app.get('/fresh', bearer(token));
      expect([status, headers['www-authenticate']]).toEqual([
        401,
        expect.stringContaining(`${STEP_UP}, acr_values="gold", max_age="600", scope="read"`),
      ]);
    }
    // Its answer was still good: nobody was asked again.
    expect(issuer.server.introspections).toHaveLength(asked + 1);
  });

  it('are answered in the scheme that the caller used', async () => {
    const client = await DPoPClient.make();
    const send = (path: string, claims: Record<string, unknown>): Promise<Answer> => {
      const token = issuer.token({ claims: { cnf: { jkt: client.jkt }, ...claims } });
      return app.get(path, client.headers({ url: app.origin + path, token }));
    };
    const lines = (answer: Answer): string => String(answer.headers['www-authenticate']);
    const tool = await send('/tool', { scope: 'tools:read' });
    expect(tool.status).toBe(403);
    expect(lines(tool)).toMatch(/^DPoP error="insufficient_scope", scope="tools:write", algs=/);
    const pay = await send('/pay', { scope: 'pay', auth_time: nowInSeconds() - 400 });
    expect([pay.status, lines(pay)]).toEqual([401, expect.stringMatching(/^DPoP error="insufficient_user/)]);
    expect(lines(pay)).toContain('max_age="60", scope="pay"');
    expect((await send('/pay', { scope: 'pay', auth_time: nowInSeconds() })).status).toBe(200);
  });

  it('stand in the route table and in OpenAPI, a sign-in with the 401', () => {
    const entry = app.nest
      .get(RouteTable)
      .list()
      .find(({ path }) => path === '/everything');
    expect(entry?.requires).toEqual([
      'scope base',
      'any scope of read manage',
      'group staff',
      'claim plan (checked by the application)',
      'sign-in with acr gold at most 600 s ago',
    ]);
    expect(entry?.scopes).toEqual(['base', 'read']);
    const document = SwaggerModule.createDocument(app.nest, new DocumentBuilder().build());
    const responses = applyResourceServerSecurity(document, app.nest).paths['/everything']?.get?.responses;
    expect(responses?.['401']).toMatchObject({
      description: expect.stringContaining(
        'It requires a sign-in with acr gold at most 600 s ago (RFC 9470).',
      ),
    });
    const description = (responses?.['403'] as { description?: string } | undefined)?.description;
    expect(description).toContain('any scope of read manage; group staff; claim plan');
    expect(description).not.toContain('sign-in');
  });

  it('hold for mocked claims', async () => {
    const guard = mockClaims(undefined);
    const builder = Test.createTestingModule({
      imports: [AuthModule.forRoot({ audience: AUDIENCE })],
      controllers,
    });
    const module = await guard.applyTo(builder).compile();
    const nest = module.createNestApplication();
    await nest.listen(0, '127.0.0.1');
    const url = `${await nest.getUrl()}/everything`.replace('[::1]', '127.0.0.1');
    const statusOf = async (claims: Record<string, unknown>): Promise<number> => {
      guard.claims = claims;
      return (await fetch(url)).status;
    };
    expect(await statusOf(fresh())).toBe(200);
    expect(await statusOf(fresh({ scope: 'base' }))).toBe(403);
    expect(await statusOf(fresh({ plan: 'free' }))).toBe(403);
    expect(await statusOf(fresh({ acr: 'silver' }))).toBe(401);
    expect(await statusOf(fresh({ auth_time: nowInSeconds() - 601 }))).toBe(401);
    await nest.close();
  });
});

describe.each(STACKS)('requirements in GraphQL: $name', ({ driver, platform }) => {
  @Resolver()
  class ThingsResolver {
    @Query(() => String, { nullable: true }) @AnyScope('read', 'manage') any(): string {
      return 'ok';
    }
    @Query(() => String, { nullable: true }) @StepUp({ acrValues: ['gold'], maxAge: 60 }) fresh(): string {
      return 'ok';
    }
    @Query(() => String, { nullable: true }) @RequireClaims({ plan: 'pro' }) planned(): string {
      return 'ok';
    }
  }

  let issuer: Issuer;
  let app: TestApp;
  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootApp(
      { ...issuer.options, resourceMetadata: { resource: 'https://api.example.com' } },
      { platform, controllers: [], imports: [graphqlModule(driver)], providers: [ThingsResolver] },
    );
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  it.each<[string, () => Record<string, unknown>, string, string, string]>([
    [
      'any',
      () => ({ scope: 'x' }),
      'FORBIDDEN',
      'insufficient_scope',
      'error="insufficient_scope", scope="read"',
    ],
    ['planned', () => ({ plan: 'free' }), 'FORBIDDEN', 'insufficient_scope', 'error="insufficient_scope"'],
    [
      'fresh',
      () => ({ acr: 'gold', auth_time: nowInSeconds() - 500 }),
      'UNAUTHENTICATED',
      'insufficient_user_authentication',
      'acr_values="gold", max_age="60"',
    ],
  ])('%s', async (field, claims, code, errorCode, challenge) => {
    const { body, headers, status } = await post(
      app,
      `{ ${field} }`,
      bearer(issuer.token({ claims: claims() })),
    );
    expect(status).toBe(200);
    expect(body.errors?.map(({ extensions }) => extensions)).toEqual([{ code, errorCode }]);
    expect(headers['www-authenticate']).toContain(challenge);
    const good = { scope: 'manage', plan: 'pro', acr: 'gold', auth_time: nowInSeconds() };
    const admitted = await post(app, `{ ${field} }`, bearer(issuer.token({ claims: good })));
    expect(admitted.body).toEqual({ data: { [field]: 'ok' } });
    const anonymous = await post(app, `{ ${field} }`);
    expect(anonymous.headers['www-authenticate']).toBe(
      `Bearer ${field === 'any' ? 'scope="read", ' : ''}resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`,
    );
  });
});

describe('@RequireClaims({ param }) outside HTTP', () => {
  @Resolver()
  class FieldResolver {
    @Query(() => String) @RequireClaims({ tenant: { param: 'id' } }) read(): string {
      return 'ok';
    }
  }
  @WebSocketGateway()
  class Gateway {
    @SubscribeMessage('read') @RequireClaims({ tenant: { param: 'id' } }) read(): string {
      return 'ok';
    }
  }
  @Controller()
  class HandlerController {
    @MessagePattern('read') @RequireClaims({ tenant: { param: 'id' } }) read(): string {
      return 'ok';
    }
  }

  it.each<[string, Type[], Type[], string]>([
    [
      'a resolver',
      [],
      [FieldResolver],
      'FieldResolver.read: @RequireClaims() reads :id, and a graphql handler has no path',
    ],
    ['a gateway', [], [Gateway], 'Gateway.read: @RequireClaims() reads :id, and a ws handler has no path'],
    [
      'a message handler',
      [HandlerController],
      [],
      'HandlerController.read: @RequireClaims() reads :id, and a rpc handler has no path',
    ],
  ])('stops the start: %s', async (_name, handlers, providers, message) => {
    const issuer = await Issuer.start();
    const starting = bootApp(issuer.options, {
      platform: 'Express',
      controllers: handlers,
      providers,
      imports: providers.includes(FieldResolver) ? [graphqlModule('Apollo')] : [],
    });
    await expect(starting).rejects.toThrow(message);
    await issuer.close();
  });
});
