/** Subscriptions over graphql-transport-ws behind the guard: where the token comes from, and that none outlives it. */
import { Field, Int, ObjectType, Query, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import {
  Claims,
  CurrentUser,
  OptionalAuth,
  Public,
  Scopes,
  TokenRevocations,
  type AccessTokenClaims,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { OpenStreams } from '../../lib/guard/streams/open-streams.js';
import { bootApp, type TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { DPoPClient } from '../support/dpop.js';
import {
  graphqlModule,
  SocketClient,
  STACKS,
  type GraphQLAnswer,
  type GraphQLErrorLike,
  type Message,
} from '../support/graphql.js';
import { Issuer } from '../support/issuer.js';
import { nowInSeconds } from '../support/tokens.js';

/** Publishes to every subscription that waits. */
class Topic {
  readonly #listeners = new Set<(value: unknown) => void>();
  opened = 0;

  get size(): number {
    return this.#listeners.size;
  }

  publish(value: unknown): void {
    for (const listen of this.#listeners) listen(value);
  }

  iterate(): AsyncIterableIterator<unknown> {
    this.opened++;
    const queue: unknown[] = [];
    const state = { over: false, wake: (): void => undefined };
    const listen = (value: unknown): void => {
      queue.push(value);
      state.wake();
    };
    this.#listeners.add(listen);
    return {
      next: async () => {
        while (queue.length === 0 && !state.over)
          await new Promise<void>((resolve) => (state.wake = resolve));
        return state.over ? { done: true, value: undefined } : { done: false, value: queue.shift() };
      },
      return: async () => {
        state.over = true;
        this.#listeners.delete(listen);
        state.wake();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}

const topic = new Topic();

@ObjectType()
class Tick {
  @Field(() => Int) count!: number;
}

@Resolver(() => Tick)
class TickResolver {
  @Query(() => String) ping(): string {
    return 'pong';
  }
  @Subscription(() => Tick) ticks(): AsyncIterable<unknown> {
    return topic.iterate();
  }
  @Subscription(() => Tick, {
    filter: ({ ticks }: { ticks: { count: number } }) => ticks.count > 10,
    name: 'filtered',
    resolve: ({ ticks }: { ticks: unknown }) => ticks,
  })
  filtered(): AsyncIterable<unknown> {
    return topic.iterate();
  }
  @Subscription(() => String, { resolve: (value: { who: string }) => value.who })
  async *who(@Claims() claims?: AccessTokenClaims, @CurrentUser() user?: { name?: string }): AsyncGenerator {
    yield { who: `${claims?.sub ?? 'nobody'} ${user?.name ?? ''}`.trim() };
    await new Promise(() => undefined);
  }
  @Subscription(() => String, { resolve: (value: { who: string }) => value.who })
  @Public()
  async *open(@Claims() claims?: AccessTokenClaims): AsyncGenerator {
    yield { who: claims?.sub ?? 'nobody' };
  }
  @Subscription(() => String, { resolve: (value: { who: string }) => value.who })
  @OptionalAuth()
  async *maybe(@Claims() claims?: AccessTokenClaims): AsyncGenerator {
    yield { who: claims?.sub ?? 'nobody' };
    await new Promise(() => undefined);
  }
  @Subscription(() => Tick) @Scopes('read:ticks') scoped(): AsyncIterable<unknown> {
    return topic.iterate();
  }
  @ResolveField(() => String, { nullable: true }) @Scopes('read:secrets') secret(): string {
    return 'secret';
  }
}

describe.each(STACKS)('GraphQL subscriptions: $name', ({ driver, platform }) => {
  let issuer: Issuer;
  let app: TestApp;
  const apps: TestApp[] = [];
  const clients: SocketClient[] = [];
  const boot = async (options: AuthModuleOptions = {}, graphql = {}): Promise<TestApp> => {
    const booted = await bootApp(
      { ...issuer.options, ...options },
      {
        platform,
        controllers: [],
        imports: [graphqlModule(driver, { fieldResolverEnhancers: ['guards'], ...graphql })],
        providers: [TickResolver],
      },
    );
    apps.push(booted);
    return booted;
  };
  const connect = async (
    params?: unknown,
    headers?: Record<string, string>,
    to = app,
  ): Promise<SocketClient> => {
    const client = await SocketClient.connect(to, params, headers);
    clients.push(client);
    return client;
  };
  const token = (claims = {}): string => issuer.token({ claims: { sub: 'ann', ...claims } });
  const bearing = (claims = {}): { authorization: string } => ({ authorization: `Bearer ${token(claims)}` });
  /** A refused subscription is an `error` of Mercurius, and a `next` with errors of graphql-ws. */
  const errorOf = ({ payload }: Message): unknown => {
    const [error] = Array.isArray(payload)
      ? (payload as GraphQLErrorLike[])
      : ((payload as GraphQLAnswer).errors ?? []);
    return [error?.message, error?.extensions];
  };
  const UNAUTHENTICATED = (errorCode: string, message = 'unauthorized'): unknown => [
    message,
    { code: 'UNAUTHENTICATED', errorCode },
  ];

  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await boot();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(async () => {
    await Promise.all(apps.map((each) => each.close()));
    await issuer.close();
  });

  describe('the token', () => {
    it('comes from connectionParams, under any spelling of the name, or from the upgrade request', async () => {
      for (const params of [
        { authorization: `Bearer ${token()}` },
        { Authorization: `Bearer ${token()}` },
        { AUTHORIZATION: `bearer ${token()}`, other: 1 },
      ]) {
        const client = await connect(params);
        const answer = await client.answerTo(client.subscribe('subscription { who }'));
        expect(answer).toMatchObject({ type: 'next', payload: { data: { who: 'ann' } } });
      }
      const byHeader = await connect(undefined, bearing());
      const answer = await byHeader.answerTo(byHeader.subscribe('subscription { maybe }'));
      expect(answer).toMatchObject({ type: 'next', payload: { data: { maybe: 'ann' } } });
    });

    it.each<[string, unknown, unknown]>([
      ['none', undefined, UNAUTHENTICATED('missing_token')],
      ['an empty object', {}, UNAUTHENTICATED('missing_token')],
      ['a bare token', () => ({ authorization: token() }), UNAUTHENTICATED('missing_token')],
      ['another name', () => ({ token: token() }), UNAUTHENTICATED('missing_token')],
      ['headers, which Mercurius copies', () => ({ headers: bearing() }), UNAUTHENTICATED('missing_token')],
      ['an expired token', () => bearing({ exp: 1 }), UNAUTHENTICATED('invalid_token')],
      ['a number', { authorization: 1 }, UNAUTHENTICATED('invalid_token')],
      ['null', { authorization: null }, UNAUTHENTICATED('invalid_token')],
      ['a list', () => ({ authorization: [`Bearer ${token()}`] }), UNAUTHENTICATED('invalid_token')],
      ['an object', { authorization: { toString: 'x' } }, UNAUTHENTICATED('invalid_token')],
      ['a scheme and nothing', { authorization: 'Bearer ' }, UNAUTHENTICATED('invalid_token')],
      [
        'two tokens in a list',
        () => ({ authorization: `Bearer ${token()}, Bearer x` }),
        UNAUTHENTICATED('invalid_request', 'bad request'),
      ],
      [
        'two spellings',
        () => ({ authorization: `Bearer ${token()}`, Authorization: `Bearer ${token()}` }),
        UNAUTHENTICATED('invalid_request', 'bad request'),
      ],
    ])('is refused: %s', async (_name, params, expected) => {
      const client = await connect(typeof params === 'function' ? (params as () => unknown)() : params);
      const before = topic.opened;
      expect(errorOf(await client.answerTo(client.subscribe('subscription { ticks { count } }')))).toEqual(
        expected,
      );
      expect(topic.opened).toBe(before);
    });

    it('of a wrong type is no absent token: @OptionalAuth() refuses it', async () => {
      const client = await connect({ authorization: 7 });
      const answer = await client.answerTo(client.subscribe('subscription { maybe }'));
      expect(errorOf(answer)).toEqual(UNAUTHENTICATED('invalid_token'));
      const anonymous = await connect({});
      expect(await anonymous.answerTo(anonymous.subscribe('subscription { maybe }'))).toMatchObject({
        payload: { data: { maybe: 'nobody' } },
      });
    });

    it('sent both ways is refused, also an equal one', async () => {
      const same = `Bearer ${token()}`;
      const client = await connect({ authorization: same }, { authorization: same });
      const answer = await client.answerTo(client.subscribe('subscription { who }'));
      expect(errorOf(answer)).toEqual(UNAUTHENTICATED('invalid_request', 'bad request'));
    });

    it('is not looked at by @Public(), and gives no claims there', async () => {
      const client = await connect(bearing());
      expect(await client.answerTo(client.subscribe('subscription { open }'))).toMatchObject({
        payload: { data: { open: 'nobody' } },
      });
    });

    it('is checked for the scopes of the subscription, and of the fields of its events', async () => {
      const client = await connect(bearing({ scope: 'read:ticks' }));
      const short = await connect(bearing({ scope: 'other' }));
      const refused = await short.answerTo(short.subscribe('subscription { scoped { count } }'));
      expect(errorOf(refused)).toEqual(['forbidden', { code: 'FORBIDDEN', errorCode: 'insufficient_scope' }]);

      const before = topic.opened;
      const id = client.subscribe('subscription { scoped { count secret } }');
      while (topic.opened === before) await new Promise((resolve) => setImmediate(resolve));
      topic.publish({ scoped: { count: 1 } });
      const event = await client.answerTo(id);
      expect(event).toMatchObject({
        type: 'next',
        payload: {
          data: { scoped: { count: 1, secret: null } },
          errors: [
            { message: 'forbidden', extensions: { code: 'FORBIDDEN', errorCode: 'insufficient_scope' } },
          ],
        },
      });
    });
  });

  it('does not let connectionParams forge the header of a proxy', async () => {
    const seen: unknown[] = [];
    const proxied = await boot({
      certificateResolver: (request) => {
        seen.push(request.headers['x-client-cert']);
        return undefined;
      },
    });
    const client = await connect(
      {
        ...bearing({ cnf: { 'x5t#S256': 'x'.repeat(43) } }),
        'x-client-cert': 'forged',
        headers: { 'x-client-cert': 'forged' },
      },
      {},
      proxied,
    );
    const answer = await client.answerTo(client.subscribe('subscription { who }'));
    expect(errorOf(answer)).toEqual(UNAUTHENTICATED('invalid_token'));
    expect(seen).toEqual([undefined]);
  });

  it('verifies a DPoP proof of the upgrade request once for the connection', async () => {
    const key = await DPoPClient.make();
    const bound = token({ cnf: { jkt: key.jkt } });
    const { dpop = '' } = key.headers({ url: `${app.origin}/graphql`, method: 'GET', token: bound });
    const client = await connect({ authorization: `DPoP ${bound}` }, { dpop });
    for (const _ of [1, 2]) {
      const answer = await client.answerTo(client.subscribe('subscription { who }'));
      expect(answer).toMatchObject({ type: 'next', payload: { data: { who: 'ann' } } });
    }
    const replay = await connect({ authorization: `DPoP ${bound}` }, { dpop });
    const answer = await replay.answerTo(replay.subscribe('subscription { who }'));
    expect(errorOf(answer)).toEqual(UNAUTHENTICATED('invalid_dpop_proof'));
  });

  it('asks loadUser once for an operation', async () => {
    let asked = 0;
    const loading = await boot({ loadUser: () => ({ name: `user ${++asked}` }) });
    const client = await connect(bearing(), {}, loading);
    const first = client.subscribe('subscription { who }');
    expect(await client.answerTo(first)).toMatchObject({ payload: { data: { who: 'ann user 1' } } });
    const second = client.subscribe('subscription { who }');
    expect(await client.answerTo(second)).toMatchObject({ payload: { data: { who: 'ann user 2' } } });
  });

  describe('when the token ends', () => {
    const openTicks = async (
      client: SocketClient,
      query = 'subscription { ticks { count } }',
    ): Promise<string> => {
      const before = topic.opened;
      const id = client.subscribe(query);
      while (topic.opened === before) await new Promise((resolve) => setImmediate(resolve));
      return id;
    };
    const streams = (of = app): OpenStreams => of.nest.get(OpenStreams, { strict: false });

    it.each(['subscription { ticks { count } }', 'subscription { filtered { count } }'])(
      'ends with the error of the table, and only then: %s',
      async (query) => {
        const brief = await connect(bearing({ exp: nowInSeconds() + 60 }));
        const long = await connect(bearing({ exp: nowInSeconds() + 6000 }));
        const ended = await openTicks(brief, query);
        const kept = await openTicks(long, query);
        // Within exp + clockTolerance (300 s).
        advanceClock(355);
        topic.publish({ ticks: { count: 20 } });
        expect(await brief.answerTo(ended)).toMatchObject({ type: 'next' });
        expect(await long.answerTo(kept)).toMatchObject({ type: 'next' });
        advanceClock(6);
        expect(errorOf(await brief.answerTo(ended))).toEqual(UNAUTHENTICATED('invalid_token'));
        topic.publish({ ticks: { count: 21 } });
        expect(await long.answerTo(kept)).toMatchObject({ type: 'next' });
        expect(brief.closeCode).toBeUndefined();
        expect(topic.size).toBe(1);

        // The connection stays; the token is over for it.
        const again = brief.subscribe('subscription { ticks { count } }');
        expect(errorOf(await brief.answerTo(again))).toEqual(UNAUTHENTICATED('invalid_token'));
      },
    );

    it('ends a generator that waits for something', async () => {
      const client = await connect(bearing({ exp: nowInSeconds() + 60 }));
      const id = client.subscribe('subscription { who }');
      await client.answerTo(id, 'next');
      advanceClock(361);
      expect(errorOf(await client.answerTo(id))).toEqual(UNAUTHENTICATED('invalid_token'));
    });

    it('ends when the token is revoked, and a second one of the connection begins no more; others go on', async () => {
      const iat = nowInSeconds() - 60;
      const revoked = await connect(bearing({ sub: 'bob', iat }));
      const other = await connect(bearing({ iat }));
      const [ended, kept] = [await openTicks(revoked), await openTicks(other)];
      await app.nest.get(TokenRevocations).revoke({ sub: 'bob' });
      const again = revoked.subscribe('subscription { who }');
      expect(errorOf(await revoked.answerTo(again))).toEqual(UNAUTHENTICATED('invalid_token'));
      expect(errorOf(await revoked.answerTo(ended))).toEqual(UNAUTHENTICATED('invalid_token'));
      topic.publish({ ticks: { count: 1 } });
      expect(await other.answerTo(kept)).toMatchObject({ type: 'next' });
    });

    it('counts nothing of what has ended', async () => {
      const counting = await boot();
      const registry = streams(counting);
      const count = async (expected: number): Promise<void> => {
        while (registry.size !== expected) await new Promise((resolve) => setImmediate(resolve));
      };
      const client = await connect(bearing(), {}, counting);
      const ids = Array.from({ length: 300 }, () => client.subscribe('subscription { ticks { count } }'));
      await count(300);
      for (const id of ids) client.send({ type: 'complete', id });
      await count(0);
      client.subscribe('subscription { ticks { count } }');
      await count(1);
      client.close();
      await count(0);
    });

    it('leaves nothing behind after close', async () => {
      const closing = await boot();
      const client = await connect(bearing(), {}, closing);
      await openTicks(client);
      expect(streams(closing).size).toBe(1);
      apps.splice(apps.indexOf(closing), 1);
      const registry = streams(closing);
      client.close();
      await closing.close();
      expect(registry.size).toBe(0);
    });
  });

  it.each(['one object', 'the first connection'])(
    'takes nobody for another caller where connections share %s',
    async (what) => {
      const shared: { req?: unknown; request?: unknown } = {};
      // graphql-ws: its context of the connection; Mercurius: the socket and the request.
      const context = (connection: object, request: unknown): object => {
        if (what === 'one object') return shared;
        if (driver === 'Apollo') shared.req ??= connection;
        else shared.request ??= request;
        return shared;
      };
      const sharing = await boot(
        {},
        driver === 'Apollo'
          ? { context, ...(what !== 'one object' && { subscriptions: { 'graphql-ws': { context } } }) }
          : { subscription: { context } },
      );
      const ann = await connect(bearing(), {}, sharing);
      const answered = { payload: { data: { who: 'ann' } } };
      expect(await ann.answerTo(ann.subscribe('subscription { who }'))).toMatchObject(answered);
      const anonymous = await connect({}, {}, sharing);
      const refused = await anonymous.answerTo(anonymous.subscribe('subscription { who }'));
      expect(errorOf(refused)).not.toEqual([undefined, undefined]);
      const bob = await connect(bearing({ sub: 'bob' }), {}, sharing);
      const answer = await bob.answerTo(bob.subscribe('subscription { who }'));
      if (what === 'one object') expect(answer).toMatchObject({ payload: { data: { who: 'bob' } } });
      expect(JSON.stringify(answer)).not.toContain('ann');
      expect(await ann.answerTo(ann.subscribe('subscription { who }'))).toMatchObject(answered);
    },
  );

  it('goes on with what the last connection_init brought, or closes', async () => {
    const client = await connect({});
    client.send({ type: 'connection_init', payload: bearing() });
    if (driver === 'Apollo') {
      expect(await client.whenClosed()).toBe(4429);
      return;
    }
    await client.next(({ type }) => type === 'connection_ack');
    const signedIn = await client.answerTo(client.subscribe('subscription { who }'));
    expect(signedIn).toMatchObject({ payload: { data: { who: 'ann' } } });
    client.send({ type: 'connection_init', payload: {} });
    await client.next(({ type }) => type === 'connection_ack');
    const anonymous = await client.answerTo(client.subscribe('subscription { who }'));
    expect(errorOf(anonymous)).toEqual(UNAUTHENTICATED('missing_token'));
  });

  it('keeps nothing of a connection that never sends connection_init', async () => {
    const asked: unknown[] = [];
    const idle = await boot({ tokenResolver: (request) => (asked.push(request), undefined) });
    const client = await SocketClient.open(idle);
    clients.push(client);
    const registry = idle.nest.get(OpenStreams, { strict: false });
    expect(registry.size).toBe(0);
    client.close();
    await client.whenClosed();
    expect([asked.length, registry.size]).toEqual([0, 0]);
  });

  it('opens 1,000 subscriptions at once with one verification, and ends them together', async () => {
    const opaque = await boot({ ...issuer.introspecting, introspectionCacheDuration: 0 });
    const registry = opaque.nest.get(OpenStreams, { strict: false });
    const before = issuer.server.introspections.length;
    const others = topic.size;
    const given = issuer.opaqueToken({ sub: 'ann', exp: nowInSeconds() + 60 });
    const client = await connect({ authorization: `Bearer ${given}` }, {}, opaque);
    const ids = Array.from({ length: 1_000 }, () => client.subscribe('subscription { ticks { count } }'));
    while (registry.size < 1_000) await new Promise((resolve) => setImmediate(resolve));
    // What comes more than a second later is asked again.
    expect(issuer.server.introspections.length - before).toBeLessThanOrEqual(3);
    topic.publish({ ticks: { count: 1 } });
    const answers = await Promise.all(ids.map((id) => client.answerTo(id)));
    expect(answers.every(({ type }) => type === 'next')).toBe(true);
    advanceClock(361);
    const ends = await Promise.all(ids.map((id) => client.answerTo(id, 'next', 'error')));
    expect(new Set(ends.map((end) => JSON.stringify(errorOf(end))))).toEqual(
      new Set([JSON.stringify(UNAUTHENTICATED('invalid_token'))]),
    );
    expect(registry.size).toBe(0);
    expect(topic.size).toBeLessThanOrEqual(others);
  });

  it('leaves an operation before connection_init to the driver, which closes', async () => {
    const client = await SocketClient.open(app);
    clients.push(client);
    client.subscribe('subscription { ticks { count } }');
    expect(await client.whenClosed()).toBeGreaterThanOrEqual(1000);
  });

  it('takes connectionParams of any type and size, and lets nobody in', async () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, i]));
    for (const params of [many, 'Bearer x', 7, ['Bearer x'], true]) {
      const client = await SocketClient.open(app);
      clients.push(client);
      client.send({ type: 'connection_init', payload: params });
      const before = topic.opened;
      client.subscribe('subscription { ticks { count } }');
      // graphql-ws closes where the payload is no object; Mercurius hands it over.
      const answer = await Promise.race([
        client.next(({ type }) => type === 'error' || type === 'next').catch(() => 'closed'),
        client.whenClosed(),
      ]);
      if (typeof answer === 'object') expect(errorOf(answer)).toMatchObject(['unauthorized', {}]);
      expect(topic.opened).toBe(before);
    }
  });
});
