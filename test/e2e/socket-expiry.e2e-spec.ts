/** No WebSocket connection outlives its token, and a client goes on with a new one of the same caller. */
import { jest } from '@jest/globals';
import { Inject } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { interval, map } from 'rxjs';
import {
  Claims,
  CONNECTION_CHANNEL,
  ConnectionAuthenticator,
  OptionalAuth,
  ProviderUnavailableError,
  Public,
  Scopes,
  TokenError,
  TokenRevocations,
  TokenValidationService,
  type AuthModuleOptions,
  type ConnectionEvent,
} from 'nestjs-resource-server';
import { OpenStreams } from '../../lib/guard/streams/open-streams.js';
import { TokenValidator } from '../../lib/validation/token-validator.js';
import type { TestApp } from '../support/app.js';
import { advanceClock, jumpClock } from '../support/clock.js';
import { Issuer } from '../support/issuer.js';
import { bearer, bootGateways, closeClients, connect, LIBRARIES, type Library } from '../support/sockets.js';
import { nowInSeconds, type TokenParts } from '../support/tokens.js';

/** Clients of socket.io look at the clock, which is set here, and miss pings. */
const PATIENT = { pingInterval: 1e9, pingTimeout: 1e9 };

/** What `renew()` made of the last token. */
let outcome: unknown;

@WebSocketGateway(PATIENT)
@Scopes('chat')
class ChatGateway {
  @WebSocketServer() server: unknown;
  constructor(@Inject(ConnectionAuthenticator) private readonly connections: ConnectionAuthenticator) {}

  @SubscribeMessage('who') who(@Claims('sub') sub: string, @Claims('scope') scope: string): unknown {
    return { event: 'who', data: { sub, scope } };
  }
  @SubscribeMessage('write') @Scopes('chat:write') write(): unknown {
    return { event: 'written', data: 'ok' };
  }
  @SubscribeMessage('open') @Public() open(): unknown {
    return { event: 'open', data: 'ok' };
  }
  @SubscribeMessage('renew') async renew(
    @ConnectedSocket() client: object,
    @MessageBody() token: string,
  ): Promise<unknown> {
    outcome = await this.connections.renew(client, token).catch((error: unknown) => error);
    return { event: 'renewed', data: outcome instanceof Error ? 'no' : 'yes' };
  }
}

@WebSocketGateway(PATIENT)
@Public()
class LobbyGateway {
  @SubscribeMessage('ticks') @Scopes('chat') ticks(): unknown {
    return interval(20).pipe(map((data) => ({ event: 'tick', data })));
  }
  @SubscribeMessage('open') open(): unknown {
    return { event: 'open', data: 'ok' };
  }
}

@WebSocketGateway(PATIENT)
@OptionalAuth()
class FeedGateway {
  constructor(@Inject(ConnectionAuthenticator) private readonly connections: ConnectionAuthenticator) {}
  @SubscribeMessage('open') open(): unknown {
    return { event: 'open', data: 'ok' };
  }
  @SubscribeMessage('renew') async renew(
    @ConnectedSocket() client: object,
    @MessageBody() token: string,
  ): Promise<unknown> {
    outcome = await this.connections.renew(client, token).catch((error: unknown) => error);
    return { event: 'renewed', data: outcome instanceof Error ? 'no' : 'yes' };
  }
}

const ended = (library: Library): object =>
  library === 'ws' ? { code: 1008, reason: 'token expired' } : { reason: 'io server disconnect' };

describe.each(LIBRARIES)('a connection and its token: %s', (library) => {
  let issuer: Issuer;
  let app: TestApp;
  const events: ConnectionEvent[] = [];
  const note = (event: unknown): void => void events.push(event as ConnectionEvent);
  const token = (claims: Record<string, unknown> = {}, more: TokenParts = {}): string =>
    issuer.token({ ...more, claims: { scope: 'chat', exp: nowInSeconds() + 60, ...claims } });
  const boot = async (
    gateways: readonly (new (...args: never[]) => unknown)[] = [ChatGateway],
    options: AuthModuleOptions = {},
  ): Promise<TestApp> =>
    (app = await bootGateways(
      library,
      { ...issuer.options, clockTolerance: 10, ...options },
      { gateways: gateways as never },
    ));

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  beforeEach(() => {
    outcome = undefined;
    events.length = 0;
    subscribe(CONNECTION_CHANNEL, note);
  });
  afterEach(async () => {
    unsubscribe(CONNECTION_CHANNEL, note);
    closeClients();
    issuer.server.recover();
    await app.close();
  });
  afterAll(() => issuer.close());

  it('is closed when the token is revoked, and goes on with no revoked one; others go on', async () => {
    await boot();
    const [first, later] = [nowInSeconds() - 60, nowInSeconds() - 30];
    const client = await connect(library, app.origin, bearer(token({ sub: 'ann', iat: first })));
    const renewed = await connect(library, app.origin, bearer(token({ sub: 'ann', iat: first })));
    const other = await connect(library, app.origin, bearer(token({ sub: 'bob', iat: first })));
    renewed.send('renew', token({ sub: 'ann', iat: later }));
    expect(await renewed.next('renewed')).toBe('yes');

    await app.nest.get(TokenRevocations).revoke({ sub: 'ann', before: first });
    renewed.send('renew', token({ sub: 'ann', iat: first }));
    expect(await renewed.next('renewed')).toBe('no');
    expect(outcome).toMatchObject({ code: 'invalid_token', reason: 'revoked' });
    expect(await client.whenEnded()).toEqual(
      library === 'ws' ? { code: 1008, reason: 'token revoked' } : ended(library),
    );
    for (const each of [renewed, other]) {
      each.send('who');
      await each.next('who');
    }
    while (!events.some(({ change }) => change === 'closed'))
      await new Promise((resolve) => setImmediate(resolve));
    expect(events.find(({ change }) => change === 'ended')).toMatchObject({ reason: 'revoked' });
  });

  it.each([
    [0, 300],
    [300, 0],
  ])('is closed by the tolerance of its issuer: %i s, of the module %i s', async (own, ofModule) => {
    const issuers = [{ issuer: issuer.server.issuer, clockTolerance: own }];
    await boot([ChatGateway], { issuer: undefined, issuers, clockTolerance: ofModule });
    const client = await connect(library, app.origin, bearer(token()));
    const renewed = await connect(library, app.origin, bearer(token({ exp: nowInSeconds() + 30 })));
    renewed.send('renew', token());
    expect(await renewed.next('renewed')).toBe('yes');
    if (own > 0) {
      advanceClock(60 + own - 20);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      for (const each of [client, renewed]) {
        each.send('who');
        await each.next('who');
      }
      advanceClock(21);
    } else advanceClock(61);
    expect(await client.whenEnded()).toEqual(ended(library));
    expect(await renewed.whenEnded()).toEqual(ended(library));
  });

  it('is closed when the token has expired, and not before', async () => {
    await boot();
    const client = await connect(library, app.origin, bearer(token()));
    advanceClock(60);
    client.send('who');
    await client.next('who');
    expect(client.ended).toBeUndefined();
    advanceClock(11);
    expect(await client.whenEnded()).toEqual(ended(library));
    const told = client.received.filter(({ event }) => event === 'exception');
    const exception = {
      event: 'exception',
      data: { status: 'error', statusCode: 401, message: 'unauthorized', errorCode: 'invalid_token' },
    };
    expect(told).toEqual(library === 'ws' ? [] : [exception]);
    while (!events.some(({ change }) => change === 'closed'))
      await new Promise((resolve) => setImmediate(resolve));
    expect(events.map(({ change }) => change)).toEqual(['opened', 'ended', 'closed']);
    expect(events[1]).toEqual({
      change: 'ended',
      state: 'token',
      reason: 'expired',
      place: '/',
      issuer: issuer.server.issuer,
    });
  });

  it('refuses messages as soon as the token has expired', async () => {
    await boot([ChatGateway], { clockTolerance: 0 });
    const client = await connect(library, app.origin, bearer(token()));
    // What looks at all connections twice a second has not done so yet.
    jumpClock(60);
    client.send('who');
    await Promise.race([client.next('exception'), client.whenEnded()]);
    expect(client.received.filter(({ event }) => event === 'who')).toEqual([]);
  });

  it('goes on with a new token of the same caller, whose scopes count', async () => {
    await boot();
    const client = await connect(library, app.origin, bearer(token()));
    client.send('write');
    await client.next('exception');
    client.send('renew', token({ scope: 'chat chat:write', exp: nowInSeconds() + 600 }));
    expect(await client.next('renewed')).toBe('yes');
    expect(outcome).toMatchObject({ sub: 'user-1', scope: 'chat chat:write' });
    client.send('write');
    await client.next('written');
    advanceClock(300);
    client.send('who');
    expect(await client.next('who')).toEqual({ sub: 'user-1', scope: 'chat chat:write' });
    advanceClock(320);
    expect(await client.whenEnded()).toEqual(ended(library));
    expect(events.map(({ change }) => change)).toContain('renewed');
  });

  it.each<[string, (of: Issuer) => unknown, string]>([
    ['of somebody else', () => token({ sub: 'user-2' }), 'claims'],
    ['of another client', () => token({ client_id: 'another' }), 'claims'],
    ['that lacks what the class requires', () => token({ scope: 'other' }), 'scope'],
    ['that has expired', () => token({ exp: nowInSeconds() - 60 }), 'expired'],
    ['of another audience', () => token({ aud: 'https://other.example' }), 'audience'],
    ['that is bound', () => token({ cnf: { jkt: 'a'.repeat(43) } }), 'binding'],
    ['that is a number', () => 1, 'malformed'],
    ['that is nothing', () => '', 'malformed'],
    ['that is none', () => 'nonsense', 'not_introspected'],
  ])('does not go on with a token %s, and stays as it was', async (_, make, reason) => {
    await boot();
    const client = await connect(library, app.origin, bearer(token()));
    client.send('renew', make(issuer));
    expect(await client.next('renewed')).toBe('no');
    expect(outcome).toBeInstanceOf(TokenError);
    expect(outcome).toMatchObject({ reason });
    client.send('who');
    expect(await client.next('who')).toEqual({ sub: 'user-1', scope: 'chat' });
    advanceClock(71);
    expect(await client.whenEnded()).toEqual(ended(library));
  });

  it('stays as it was in an outage', async () => {
    await boot([ChatGateway], { ...issuer.introspecting });
    const client = await connect(library, app.origin, bearer(issuer.opaqueToken({ scope: 'chat' })));
    issuer.server.goDown();
    client.send('renew', issuer.opaqueToken({ scope: 'chat' }));
    expect(await client.next('renewed')).toBe('no');
    expect(outcome).toBeInstanceOf(ProviderUnavailableError);
    client.send('who');
    await client.next('who');
  });

  it('has its signature verified once, also when more tokens were seen since than are remembered', async () => {
    await boot();
    const { only } = app.nest.get(TokenValidator, { strict: false }).issuers;
    const verify = jest.spyOn((only as NonNullable<typeof only>).signatures, 'verify');
    const client = await connect(library, app.origin, bearer(token({ sub: 'user-1' })));
    expect(verify).toHaveBeenCalledTimes(1);
    await app.nest.get(TokenValidationService).forget({ sub: 'user-1' });
    client.send('who');
    expect(await client.next('who')).toMatchObject({ sub: 'user-1' });
    expect(verify).toHaveBeenCalledTimes(1);
    // The key of the token is no longer one of the issuer's.
    issuer.rotate();
    await connect(library, app.origin, bearer(token({ sub: 'user-2' })));
    client.send('who');
    expect(await client.next('exception')).toMatchObject({ statusCode: 401, errorCode: 'invalid_token' });
  });

  it('has nobody to go on as where it was opened without a token, and never expires', async () => {
    await boot([FeedGateway]);
    const client = await connect(library, app.origin);
    client.send('renew', token());
    expect(await client.next('renewed')).toBe('no');
    expect(outcome).toBeInstanceOf(TokenError);
    advanceClock(600_000);
    client.send('open');
    await client.next('open');
    expect(events).toEqual([
      { change: 'opened', state: 'anonymous', reason: undefined, place: '/', issuer: undefined },
    ]);
  });

  it('ends with a token that only a message of a public gateway has used, and so do streamed replies', async () => {
    await boot([LobbyGateway]);
    const bystander = await connect(library, app.origin, bearer(token()));
    const client = await connect(library, app.origin, bearer(token()));
    client.send('ticks');
    await client.next('tick');
    advanceClock(71);
    expect(await client.whenEnded()).toEqual(ended(library));
    bystander.send('open');
    await bystander.next('open');
    expect(bystander.ended).toBeUndefined();
  });

  it('rejects what is no client of a gateway', async () => {
    await boot();
    const connections = app.nest.get(ConnectionAuthenticator);
    await expect(connections.renew({}, token())).rejects.toThrow(TypeError);
  });

  it('leaves nothing behind when clients go', async () => {
    await boot();
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => connect(library, app.origin, bearer(token()))),
    );
    expect(app.nest.get(OpenStreams).size).toBe(20);
    for (const client of clients) client.close();
    while (app.nest.get(OpenStreams).size > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});
