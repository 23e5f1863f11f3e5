/** Route table, audit, events, metrics, mocked claims and errors of handlers know gateways. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { UseFilters, UseGuards } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AuthErrorFilter,
  AuthGuard,
  Claims,
  claimsOf,
  CurrentUser,
  DECISION_CHANNEL,
  OptionalAuth,
  Public,
  RouteTable,
  Scopes,
  TokenError,
  type AuthModuleOptions,
  type DecisionEvent,
} from 'nestjs-resource-server';
import { mockClaims } from 'nestjs-resource-server/testing';
import { recordTelemetry } from 'nestjs-resource-server/opentelemetry';
import type { TestApp } from '../support/app.js';
import { Issuer } from '../support/issuer.js';
import {
  bearer,
  bootGateways,
  closeClients,
  connect,
  LIBRARIES,
  refusedWith,
  type SocketSettings,
} from '../support/sockets.js';

const seen: unknown[] = [];

@WebSocketGateway()
@Scopes('chat')
class ChatGateway {
  handleConnection(client: object): void {
    seen.push(claimsOf(client)?.sub);
  }
  @SubscribeMessage('say') @Scopes('chat:write') say(
    @Claims('sub') sub: string,
    @CurrentUser() user: unknown,
  ): unknown {
    return { event: 'said', data: { sub, user } };
  }
  @SubscribeMessage('open') @Public() open(@Claims('sub') sub?: string): unknown {
    return { event: 'open', data: { sub } };
  }
  @SubscribeMessage('fail') fail(): never {
    throw new TokenError('insufficient_scope', { detail: 'the other API says so' });
  }
}

@WebSocketGateway()
@OptionalAuth()
class FeedGateway {
  @SubscribeMessage('feed') feed(): unknown {
    return { event: 'feed', data: 'ok' };
  }
}

/** Only sends. */
@WebSocketGateway({ path: '/ticker' })
class TickerGateway {}

@WebSocketGateway()
class PlainGateway {
  @SubscribeMessage('plain') plain(): string {
    return 'plain';
  }
}

describe.each(LIBRARIES)('gateways: %s', (library) => {
  let issuer: Issuer;
  let app: TestApp | undefined;
  const boot = async (
    gateways: SocketSettings['gateways'],
    options: AuthModuleOptions & { globalGuard?: boolean } = {},
    more: Partial<SocketSettings> = {},
  ): Promise<TestApp> =>
    (app = await bootGateways(library, { ...issuer.options, ...options }, { gateways, ...more }));

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  beforeEach(() => void (seen.length = 0));
  afterEach(async () => {
    closeClients();
    await app?.close();
    app = undefined;
  });
  afterAll(() => issuer.close());

  it('are in the route table', async () => {
    const { nest } = await boot([ChatGateway, FeedGateway, TickerGateway]);
    expect(nest.get(RouteTable).toText()).toBe(
      [
        'kind  method   path     requires                handler',
        'ws    CONNECT  /        scope chat              ChatGateway.handleConnection',
        'ws    CONNECT  /        scope chat              FeedGateway.handleConnection',
        'ws    CONNECT  /ticker  any valid token         TickerGateway.handleConnection',
        'ws    MESSAGE  fail     scope chat              ChatGateway.fail',
        'ws    MESSAGE  feed     optional token          FeedGateway.feed',
        'ws    MESSAGE  open     public                  ChatGateway.open',
        'ws    MESSAGE  say      scopes chat chat:write  ChatGateway.say',
        '',
      ].join('\n'),
    );
  });

  it('are audited', async () => {
    const { nest } = await boot([ChatGateway, PlainGateway, TickerGateway]);
    expect(nest.get(RouteTable).undeclared()).toEqual([
      'CONNECT /ticker: TickerGateway.handleConnection declares nothing; any valid token is accepted',
      'MESSAGE plain: PlainGateway.plain declares nothing; any valid token is accepted',
    ]);
    await nest.close();
    app = undefined;
    await expect(boot([PlainGateway], { audit: 'error' })).rejects.toThrow('MESSAGE plain');
  });

  it('publish decisions, with the handshake by name', async () => {
    const { origin } = await boot([ChatGateway]);
    const events: DecisionEvent[] = [];
    const note = (event: unknown): void => void events.push(event as DecisionEvent);
    subscribe(DECISION_CHANNEL, note);
    await connect(library, origin);
    const client = await connect(library, origin, bearer(issuer.token({ claims: { scope: 'chat' } })));
    client.send('say');
    await client.next('exception');
    unsubscribe(DECISION_CHANNEL, note);
    expect(
      events.map(({ outcome, reason, route, transport }) => [transport, route, outcome, reason]),
    ).toEqual([
      ['ws', 'ChatGateway.handleConnection', 'refused', 'missing_token'],
      ['ws', 'ChatGateway.handleConnection', 'allowed', 'token'],
      ['ws', 'ChatGateway.say', 'refused', 'scope'],
    ]);
  });

  it('count their open connections by state', async () => {
    const added: unknown[] = [];
    const stop = recordTelemetry({
      meter: {
        createHistogram: () => ({ record: () => undefined }),
        createUpDownCounter: (name: string) => ({
          add: (value: number, attributes: object) => void added.push([name, value, attributes]),
        }),
      } as never,
    });
    const { origin } = await boot([ChatGateway]);
    const client = await connect(library, origin, bearer(issuer.token({ claims: { scope: 'chat' } })));
    client.close();
    while (added.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    stop();
    const attributes = { state: 'token', place: '/' };
    expect(added).toEqual([
      ['resource_server.connections.open', 1, attributes],
      ['resource_server.connections.open', -1, attributes],
    ]);
  });

  it('answer an error that leaves a handler as the guard would', async () => {
    const { origin } = await boot([ChatGateway]);
    const client = await connect(library, origin, bearer(issuer.token({ claims: { scope: 'chat' } })));
    client.send('fail');
    expect(await client.next('exception')).toEqual({
      status: 'error',
      statusCode: 403,
      message: 'forbidden',
      errorCode: 'insufficient_scope',
    });
  });

  it('answer so through AuthErrorFilter, too', async () => {
    @WebSocketGateway()
    @UseFilters(AuthErrorFilter)
    @Scopes('chat')
    class FilteredGateway {
      @SubscribeMessage('say') @Scopes('chat:write') say(): void {}
      @SubscribeMessage('fail') fail(): never {
        throw new TokenError('invalid_token');
      }
    }
    const { origin } = await boot([FilteredGateway]);
    const client = await connect(library, origin, bearer(issuer.token({ claims: { scope: 'chat' } })));
    client.send('fail');
    expect(await client.next('exception')).toMatchObject({ statusCode: 401, errorCode: 'invalid_token' });
  });

  it('load a user for each message, and none for the handshake', async () => {
    const loaded: unknown[] = [];
    const { origin } = await boot([ChatGateway], {
      loadUser: ({ sub }) => {
        loaded.push(sub);
        return sub === 'user-1' ? { name: 'Ada' } : undefined;
      },
    });
    const scope = 'chat chat:write';
    const client = await connect(library, origin, bearer(issuer.token({ claims: { scope } })));
    expect(loaded).toEqual([]);
    for (let i = 0; i < 2; i++) {
      client.send('say');
      expect(await client.next('said')).toEqual({ sub: 'user-1', user: { name: 'Ada' } });
    }
    expect(loaded).toEqual(['user-1', 'user-1']);
    const unknown = await connect(library, origin, bearer(issuer.token({ claims: { scope, sub: 'x' } })));
    unknown.send('say');
    expect(await unknown.next('exception')).toMatchObject({ statusCode: 401, errorCode: 'invalid_token' });
  });

  it('take mocked claims, whose scopes count', async () => {
    const guard = mockClaims({ sub: 'ada', scope: 'chat' });
    const { origin } = await boot([ChatGateway], {}, { customize: (builder) => void guard.applyTo(builder) });
    const client = await connect(library, origin);
    client.send('say');
    expect(await client.next('exception')).toMatchObject({ statusCode: 403 });
    guard.claims = { sub: 'ada', scope: 'chat chat:write' };
    client.send('say');
    expect(await client.next('said')).toMatchObject({ sub: 'ada' });
    guard.claims = undefined;
    const nobody = await connect(library, origin);
    expect(await nobody.whenEnded()).toEqual(refusedWith(library, 401, 'unauthorized', 'missing_token'));
    expect(seen).toEqual(['ada']);
  });

  it('take another guard in its place', async () => {
    const { origin } = await boot(
      [ChatGateway],
      {},
      {
        customize: (builder) =>
          void builder.overrideProvider(AuthGuard).useValue({ canActivate: () => true }),
      },
    );
    const client = await connect(library, origin);
    client.send('say');
    expect(await client.next('said')).toEqual({});
  });

  it('are guarded by @UseGuards() where there is no global guard, and open without', async () => {
    @WebSocketGateway()
    @UseGuards(AuthGuard)
    class GuardedGateway extends PlainGateway {}
    const guarded = await boot([GuardedGateway], { globalGuard: false });
    const nobody = await connect(library, guarded.origin);
    expect(await nobody.whenEnded()).toEqual(refusedWith(library, 401, 'unauthorized', 'missing_token'));
    await guarded.close();
    app = undefined;
    const open = await boot([PlainGateway], { globalGuard: false });
    expect((await connect(library, open.origin)).ended).toBeUndefined();
    expect(open.nest.get(RouteTable).toText()).toContain('unprotected');
  });
});
