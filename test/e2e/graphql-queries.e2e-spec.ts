/** GraphQL over HTTP behind the guard: each root field by itself, one verification, the challenge on the HTTP response. */
import { createHash } from 'node:crypto';
import mercurius from 'mercurius';
import { Field, ObjectType, Query, ResolveField, Resolver, Mutation, Parent } from '@nestjs/graphql';
import { Scope, UseGuards } from '@nestjs/common';
import {
  AccessToken,
  AuthGuard,
  Claims,
  claimsOf,
  CurrentUser,
  DPoPBound,
  Groups,
  OptionalAuth,
  ProviderUnavailableError,
  Public,
  Scopes,
  TokenRevocations,
  type AccessTokenClaims,
  type AuthModuleOptions,
  type IncomingRequest,
} from 'nestjs-resource-server';
import { bootApp, type TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { DPoPClient } from '../support/dpop.js';
import { graphqlModule, post, postBody, STACKS, type GraphQLAnswer } from '../support/graphql.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';

const ran: string[] = [];
/** What happens between two fields of a mutation. */
let between: (sub: string) => unknown = () => undefined;

@ObjectType()
class Order {
  @Field() id!: string;
}

@Resolver()
class RootResolver {
  @Query(() => String) plain(@Claims('sub') sub?: string): string {
    ran.push('plain');
    return sub ?? 'nobody';
  }
  @Query(() => String) @Public() open(@Claims() claims?: AccessTokenClaims): string {
    return claims === undefined ? 'nobody' : 'somebody';
  }
  @Query(() => String) @OptionalAuth() maybe(@Claims('sub') sub?: string): string {
    return sub ?? 'nobody';
  }
  @Query(() => String, { nullable: true }) @Scopes('read:things') scoped(): string {
    ran.push('scoped');
    return 'scoped';
  }
  @Query(() => String, { nullable: true }) @Scopes('delete:things') deleted(): string {
    ran.push('deleted');
    return 'deleted';
  }
  @Query(() => String, { nullable: true }) @Groups('board') grouped(): string {
    ran.push('grouped');
    return 'grouped';
  }
  @Query(() => String, { nullable: true }) @DPoPBound() bound(): string {
    return 'bound';
  }
  @Query(() => String) @UseGuards(AuthGuard) guardedTwice(): string {
    return 'twice';
  }
  @Query(() => String) token(@AccessToken() token: string): string {
    return token.slice(-6);
  }
  @Query(() => String, { nullable: true }) user(@CurrentUser() user: { readonly name?: string }): string {
    return String(user.name);
  }
  @Query(() => String) thrown(): string {
    throw new ProviderUnavailableError({ retryAfter: 7 });
  }
  @Mutation(() => String) @Scopes('write:things') write(): string {
    ran.push('write');
    return 'written';
  }
  @Mutation(() => String) async later(@Claims('sub') sub: string): Promise<string> {
    await between(sub);
    return 'later';
  }
  @Query(() => [Order]) orders(): Order[] {
    return [{ id: '1' }, { id: '2' }];
  }
}

@Resolver(() => Order)
class OrderResolver {
  @ResolveField(() => String, { nullable: true }) @Scopes('read:prices') price(
    @Parent() order: Order,
  ): string {
    ran.push('price');
    return `price of ${order.id}`;
  }
  @ResolveField(() => String) label(): string {
    return 'label';
  }
}

@Resolver()
class PerRequestResolver {
  @Query(() => String, { nullable: true }) @Scopes('read:things') perRequest(
    @Claims('sub') sub: string,
  ): string {
    return sub;
  }
  @Query(() => String, { nullable: true }) @Scopes('delete:things') perRequestDeleted(): string {
    ran.push('perRequestDeleted');
    return 'deleted';
  }
}
Reflect.defineMetadata('scope:options', { scope: Scope.REQUEST }, PerRequestResolver);

describe.each(STACKS)('GraphQL over HTTP: $name', ({ driver, platform }) => {
  let issuer: Issuer;
  let app: TestApp;
  const apps: TestApp[] = [];
  const boot = async (
    options: AuthModuleOptions = {},
    graphql: Parameters<typeof graphqlModule>[1] = { fieldResolverEnhancers: ['guards'] },
  ): Promise<TestApp> => {
    const booted = await bootApp(
      { ...issuer.options, ...options },
      {
        platform,
        controllers: [],
        imports: [graphqlModule(driver, graphql)],
        providers: [RootResolver, OrderResolver, PerRequestResolver],
      },
    );
    apps.push(booted);
    return booted;
  };

  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await boot();
  });
  beforeEach(() => {
    ran.length = 0;
  });
  afterAll(async () => {
    await Promise.all(apps.map((each) => each.close()));
    await issuer.close();
  });

  const ann = (claims = {}): Record<string, string> =>
    bearer(issuer.token({ claims: { sub: 'ann', ...claims } }));
  const errorsOf = ({ errors = [] }: GraphQLAnswer): unknown[] =>
    errors.map(({ path, message, extensions }) => [path?.join('.'), message, extensions]);

  it('lets a good token in, and nobody without one', async () => {
    expect((await post(app, '{ plain }', ann())).body).toEqual({ data: { plain: 'ann' } });

    const refused = await post(app, '{ plain }');
    expect(refused.status).toBe(200);
    expect(errorsOf(refused.body)).toEqual([
      ['plain', 'unauthorized', { code: 'UNAUTHENTICATED', errorCode: 'missing_token' }],
    ]);
    expect(refused.headers['www-authenticate']).toBe('Bearer');
    expect(ran).toEqual(['plain']);
  });

  it.each([
    ['expired', { exp: 1 }, 'invalid_token', /The access token expired/],
    ['for another API', { aud: 'https://other.example' }, 'invalid_token', /error="invalid_token"/],
  ])('refuses a token that is %s', async (_name, claims, errorCode, challenge) => {
    const { status, body, headers } = await post(app, '{ plain }', ann(claims));
    expect(status).toBe(200);
    expect(errorsOf(body)).toEqual([['plain', 'unauthorized', { code: 'UNAUTHENTICATED', errorCode }]]);
    expect(headers['www-authenticate']).toMatch(challenge);
    expect(ran).toEqual([]);
  });

  it('refuses two headers, and a token in the URL besides', async () => {
    const token = issuer.token();
    const twice = await post(app, '{ plain }', [
      ['authorization', `Bearer ${token}`],
      ['authorization', `Bearer ${token}`],
    ]);
    expect(errorsOf(twice.body)).toEqual([
      ['plain', 'bad request', { code: 'UNAUTHENTICATED', errorCode: 'invalid_request' }],
    ]);
    const inUrl = await app.get(
      `/graphql?query=${encodeURIComponent('{ plain }')}&access_token=${token}`,
      bearer(token),
    );
    expect(errorsOf(inUrl.body as GraphQLAnswer)[0]).toEqual([
      'plain',
      'bad request',
      { code: 'UNAUTHENTICATED', errorCode: 'invalid_request' },
    ]);
    expect(ran).toEqual([]);
  });

  it('answers a GET as it answers a POST', async () => {
    const query = encodeURIComponent('{ plain }');
    expect((await app.get(`/graphql?query=${query}`, ann())).body).toEqual({ data: { plain: 'ann' } });
    const refused = await app.get(`/graphql?query=${query}`);
    expect(errorsOf(refused.body as GraphQLAnswer)).toEqual([
      ['plain', 'unauthorized', { code: 'UNAUTHENTICATED', errorCode: 'missing_token' }],
    ]);
    expect(refused.headers['www-authenticate']).toBe('Bearer');
  });

  it('answers a query that clients name by its hash, whoever brought it', async () => {
    const persisting = await boot({}, {
      fieldResolverEnhancers: ['guards'],
      persistedQueryProvider: mercurius.persistedQueryDefaults.automatic(),
    } as never);
    const query = '{ plain }';
    const sha256Hash = createHash('sha256').update(query).digest('hex');
    const extensions = encodeURIComponent(JSON.stringify({ persistedQuery: { version: 1, sha256Hash } }));
    const path = `/graphql?extensions=${extensions}`;
    await persisting.get(`${path}&query=${encodeURIComponent(query)}`, ann());
    expect((await persisting.get(path, ann({ sub: 'bob' }))).body).toEqual({ data: { plain: 'bob' } });
    const refused = await persisting.get(path);
    expect(errorsOf(refused.body as GraphQLAnswer)).toEqual([
      ['plain', 'unauthorized', { code: 'UNAUTHENTICATED', errorCode: 'missing_token' }],
    ]);
    expect(refused.headers['www-authenticate']).toBe('Bearer');
  });

  it('checks each root field by itself, and challenges once', async () => {
    const query = '{ open maybe scoped again: scoped deleted grouped }';
    const { body, headers } = await post(app, query, ann());
    expect(body.data).toEqual({
      open: 'nobody',
      maybe: 'ann',
      scoped: 'scoped',
      again: 'scoped',
      deleted: null,
      grouped: null,
    });
    expect(errorsOf(body)).toEqual([
      ['deleted', 'forbidden', { code: 'FORBIDDEN', errorCode: 'insufficient_scope' }],
      ['grouped', 'forbidden', { code: 'FORBIDDEN', errorCode: 'insufficient_scope' }],
    ]);
    expect(headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="delete:things"');
    expect(ran).toEqual(['scoped', 'scoped']);
  });

  it('leaves the data of @Public() and @OptionalAuth() fields to the anonymous, and nothing to a bad token', async () => {
    expect((await post(app, '{ open maybe }')).body).toEqual({ data: { open: 'nobody', maybe: 'nobody' } });
    const bad = await post(app, '{ open maybe }', ann({ exp: 1 }));
    expect(errorsOf(bad.body)).toEqual([
      ['maybe', 'unauthorized', { code: 'UNAUTHENTICATED', errorCode: 'invalid_token' }],
    ]);
  });

  it('guards mutations, and fields by fragment and by alias', async () => {
    expect((await post(app, 'mutation { write }', ann())).body).toEqual({ data: { write: 'written' } });
    const refused = await post(app, 'mutation { a: write }', ann({ scope: 'read:things' }));
    expect(errorsOf(refused.body)).toEqual([
      ['a', 'forbidden', { code: 'FORBIDDEN', errorCode: 'insufficient_scope' }],
    ]);
    const hidden = '{ ...F } fragment F on Query { ... on Query { x: deleted @include(if: true) } }';
    expect(errorsOf((await post(app, hidden, ann())).body)).toEqual([
      ['x', 'forbidden', { code: 'FORBIDDEN', errorCode: 'insufficient_scope' }],
    ]);
    expect(ran).toEqual(['write']);
  });

  it('refuses a field of a type by its own decorators only', async () => {
    const { body } = await post(app, '{ orders { id label price } }', ann());
    expect(body.data).toEqual({
      orders: [
        { id: '1', label: 'label', price: null },
        { id: '2', label: 'label', price: null },
      ],
    });
    expect(errorsOf(body)).toEqual([
      ['orders.0.price', 'forbidden', { code: 'FORBIDDEN', errorCode: 'insufficient_scope' }],
      ['orders.1.price', 'forbidden', { code: 'FORBIDDEN', errorCode: 'insufficient_scope' }],
    ]);
    expect(ran).toEqual([]);
    const enough = await post(app, '{ orders { price } }', ann({ scope: 'read:prices' }));
    expect(enough.body.data).toEqual({ orders: [{ price: 'price of 1' }, { price: 'price of 2' }] });
  });

  it('guards resolvers that are made for each request', async () => {
    const { body } = await post(app, '{ perRequest perRequestDeleted }', ann());
    expect(body.data).toEqual({ perRequest: 'ann', perRequestDeleted: null });
    expect(errorsOf(body)).toEqual([
      ['perRequestDeleted', 'forbidden', { code: 'FORBIDDEN', errorCode: 'insufficient_scope' }],
    ]);
    expect(errorsOf((await post(app, '{ perRequest }')).body)).toEqual([
      ['perRequest', 'unauthorized', { code: 'UNAUTHENTICATED', errorCode: 'missing_token' }],
    ]);
    expect(ran).toEqual([]);
  });

  it('guards every operation of a batch', async () => {
    const batch = [{ query: '{ scoped }' }, { query: '{ deleted }' }, { query: '{ open }' }];
    const answer = await postBody(app, batch, ann());
    const [scoped, deleted, open] = answer.body as GraphQLAnswer[];
    expect(scoped).toEqual({ data: { scoped: 'scoped' } });
    expect(deleted?.data).toEqual({ deleted: null });
    expect(open).toEqual({ data: { open: 'nobody' } });
    const anonymous = (await postBody(app, batch)).body as GraphQLAnswer[];
    expect(anonymous.map(({ errors }) => errors?.[0]?.message)).toEqual([
      'unauthorized',
      'unauthorized',
      undefined,
    ]);
  });

  it('hands over the token and the user of this request', async () => {
    const seen: unknown[] = [];
    const loading = await boot({
      loadUser: async (claims, { context }) => {
        seen.push(context.getHandler().name);
        return { name: `user of ${claims.sub}` };
      },
    });
    const token = issuer.token({ claims: { sub: 'ann' } });
    const { body } = await post(loading, '{ token user a: user b: user }', bearer(token));
    expect(body.data).toEqual({
      token: token.slice(-6),
      user: 'user of ann',
      a: 'user of ann',
      b: 'user of ann',
    });
    expect(seen).toHaveLength(1);
  });

  it('verifies a token once for 10,000 aliases, a bad one too', async () => {
    const asked: string[] = [];
    const counting = await boot({
      // So many fields keep a busy machine from reading the provider's answer for a while.
      responseTimeout: 60,
      tokenResolver: (request) => {
        asked.push(String(request.headers['x-token']));
        return request.headers['x-token'] as string;
      },
    });
    // Short names: Express reads 100 kB.
    const letters = (n: number): string => String.fromCharCode(97 + (n % 26));
    const aliases = Array.from(
      { length: 10_000 },
      (_, i) => `${letters(i / 676)}${letters(i / 26)}${letters(i)}:user`,
    ).join(' ');
    const good = await post(counting, `{ ${aliases} }`, { 'x-token': issuer.token() });
    expect(good.body.errors).toBeUndefined();
    expect(Object.keys(good.body.data ?? {})).toHaveLength(10_000);
    expect(asked).toHaveLength(1);

    const bad = await post(counting, `{ ${aliases} }`, {
      'x-token': issuer.token().slice(0, -8) + 'AAAAAAAA',
    });
    expect(bad.body.errors).toHaveLength(10_000);
    expect(asked).toHaveLength(2);
    expect(loggedLines().filter((line) => line.includes('signature'))).not.toHaveLength(0);
  }, 60_000);

  it.each<[string, (app: TestApp, sub: string) => unknown]>([
    ['expires', () => advanceClock(1000)],
    ['is revoked', (of, sub) => of.nest.get(TokenRevocations, { strict: false }).revoke({ sub })],
  ])('refuses a field that it has admitted before where the token %s meanwhile', async (_name, happens) => {
    const changing = await boot();
    between = (sub) => happens(changing, sub);
    const { body } = await post(changing, 'mutation { write later again: write }', ann({ sub: 'leaving' }));
    expect(errorsOf(body)).toEqual([
      ['again', 'unauthorized', { code: 'UNAUTHENTICATED', errorCode: 'invalid_token' }],
    ]);
    expect(ran).toEqual(['write']);
  });

  it('introspects once for several fields, also where nothing is remembered', async () => {
    const opaque = await boot({ ...issuer.introspecting, introspectionCacheDuration: 0 });
    const token = issuer.opaqueToken({ sub: 'ann' });
    const before = issuer.server.introspections.length;
    const { body } = await post(opaque, '{ plain a: plain b: scoped guardedTwice deleted }', bearer(token));
    expect(body.data).toMatchObject({ plain: 'ann', b: 'scoped', guardedTwice: 'twice', deleted: null });
    expect(issuer.server.introspections).toHaveLength(before + 1);

    const revoked = issuer.opaqueToken({ active: false });
    const refused = await post(opaque, '{ scoped a: scoped b: scoped c: deleted }', bearer(revoked));
    expect(refused.body.errors).toHaveLength(4);
    expect(issuer.server.introspections).toHaveLength(before + 2);
  });

  it('verifies a DPoP proof once for the fields of a request, and never again', async () => {
    const client = await DPoPClient.make();
    const token = issuer.token({ claims: { cnf: { jkt: client.jkt } } });
    const headers = client.headers({ url: `${app.origin}/graphql`, method: 'POST', token });
    const { body } = await post(app, '{ bound a: bound plain guardedTwice }', headers);
    expect(body.errors).toBeUndefined();
    const replayed = await post(app, '{ bound again: bound }', headers);
    expect(errorsOf(replayed.body)).toEqual([
      ['bound', 'unauthorized', { code: 'UNAUTHENTICATED', errorCode: 'invalid_dpop_proof' }],
      ['again', 'unauthorized', { code: 'UNAUTHENTICATED', errorCode: 'invalid_dpop_proof' }],
    ]);
    expect(replayed.headers['www-authenticate']).toContain('DPoP');
    expect(errorsOf((await post(app, '{ bound }', ann())).body)[0]).toMatchObject([
      'bound',
      'unauthorized',
      {},
    ]);
  });

  it('answers what a resolver throws as the guard would answer it', async () => {
    const { body, status, headers } = await post(app, '{ thrown }', ann());
    expect(status).toBe(200);
    expect(errorsOf(body)).toEqual([
      [
        'thrown',
        'service unavailable',
        { code: 'SERVICE_UNAVAILABLE', errorCode: 'temporarily_unavailable' },
      ],
    ]);
    expect(headers['retry-after']).toBe('7');
  });

  it('answers 503 where the provider cannot be asked', async () => {
    const down = await Issuer.start();
    const cut = await boot({ ...down.options, warmUp: 'off' });
    const token = down.token();
    await down.close();
    const { body, headers } = await post(cut, '{ plain }', bearer(token));
    expect(errorsOf(body)).toEqual([
      ['plain', 'service unavailable', { code: 'SERVICE_UNAVAILABLE', errorCode: 'temporarily_unavailable' }],
    ]);
    expect(headers['retry-after']).toMatch(/^\d+$/);
  });

  it('refuses with 500 where the context names no request, and says what to return', async () => {
    const blind = await boot(
      {},
      { fieldResolverEnhancers: ['guards'], context: () => ({ req: { headers: {} } }) },
    );
    const { body } = await post(blind, '{ open plain }', ann());
    expect(errorsOf(body)).toEqual([
      ['plain', 'internal server error', { code: 'INTERNAL_SERVER_ERROR', errorCode: 'server_error' }],
    ]);
    expect(loggedLines()).toContainEqual(expect.stringContaining('({ req }) => ({ req })'));
    expect(ran).toEqual([]);
  });

  describe('with a context that requests share', () => {
    let first: unknown;
    const shared = { loaders: 1 };
    const held: { req?: unknown } = {};
    it.each<[string, unknown]>([
      ['a function that returns one object', () => shared],
      ['a promise of one object', async () => shared],
      ['an object', { loaders: 2 }],
      // Apollo's arguments: { req, res }, or the request; Mercurius': the request.
      ['an object with the first request', (at: { req?: unknown }) => ((held.req ??= at.req ?? at), held)],
      [
        'the first request in an object of its own',
        (at: { req?: unknown }) => ({ req: (first ??= at.req ?? at) }),
      ],
    ])('takes nobody for another caller: %s', async (_name, context) => {
      first = undefined;
      delete held.req;
      let go = (): void => undefined;
      const gone = new Promise<void>((resolve) => (go = resolve));
      let wait = (): void => undefined;
      const waits = new Promise<void>((resolve) => (wait = resolve));
      const sharing = await boot(
        {
          loadUser: async (claims) => {
            if (claims.sub === 'slow') {
              wait();
              await gone;
            }
            return claims;
          },
        },
        { fieldResolverEnhancers: ['guards'], context: context as never },
      );
      // Mutations run one after the other: the second field is looked at when others have come since.
      const slow = post(sharing, 'mutation { write again: write }', ann({ sub: 'slow' }));
      await waits;
      const anonymous = await post(sharing, '{ open plain }');
      expect(errorsOf(anonymous.body)).toEqual([
        ['plain', 'unauthorized', { code: 'UNAUTHENTICATED', errorCode: 'missing_token' }],
      ]);
      expect((await post(sharing, '{ plain }', ann({ sub: 'bob' }))).body).toEqual({
        data: { plain: 'bob' },
      });
      go();
      expect((await slow).body).toEqual({ data: { write: 'written', again: 'written' } });
      expect((await post(sharing, 'mutation { write }')).body.errors).toHaveLength(1);
    });
  });

  it('finds the claims from the context of a call, and from its request', async () => {
    const request = { user: undefined as unknown, claims: undefined as unknown };
    const probing = await boot({}, {
      fieldResolverEnhancers: ['guards'],
      fieldMiddleware: [],
      ...(driver === 'Apollo'
        ? {
            plugins: [
              {
                requestDidStart: async () => ({
                  willSendResponse: async ({
                    contextValue,
                  }: {
                    contextValue: { req: IncomingRequest & { user?: unknown } };
                  }) => {
                    request.user = contextValue.req.user;
                    request.claims = claimsOf(contextValue.req);
                  },
                }),
              },
            ],
          }
        : {
            hooks: {
              onResolution: async (_: unknown, context: { req: IncomingRequest & { user?: unknown } }) => {
                request.user = context.req.user;
                request.claims = claimsOf(context.req);
              },
            },
          }),
    } as never);
    await post(probing, '{ plain }', ann());
    expect(request.user).toMatchObject({ sub: 'ann' });
    expect(request.claims).toBe(request.user);
  });
});
