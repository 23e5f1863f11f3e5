/** More attempts to hear a broadcast without a good token, most of them by clients without a library. A member listens meanwhile. */
import { Inject } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import {
  ConnectionAuthenticator,
  Public,
  Scopes,
  TokenRevocations,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { io, type Socket } from 'socket.io-client';
import { OpenStreams } from '../../lib/guard/streams/open-streams.js';
import type { TestApp } from '../support/app.js';
import { closeBareClients, EngineClient, FrameClient, upgradeRequest } from '../support/bare-clients.js';
import { advanceClock, jumpClock } from '../support/clock.js';
import { Issuer } from '../support/issuer.js';
import {
  bearer,
  bootGateways,
  closeClients,
  connect,
  IoTestClient,
  LIBRARIES,
  type TestClient,
} from '../support/sockets.js';
import { nowInSeconds } from '../support/tokens.js';

const PATIENT = { pingInterval: 1e9, pingTimeout: 1e9 };

interface IoServer {
  emit(event: string, data: unknown): void;
  to(room: string): IoServer;
}

/** Members of a room, where the library has none. */
const rooms = new Set<object>();

function emit(server: unknown, event: string, data: unknown, room?: string): void {
  const { clients } = server as { readonly clients?: ReadonlySet<{ send(text: string): void }> };
  if (!clients) {
    const target = server as IoServer;
    (room === undefined ? target : target.to(room)).emit(event, data);
    return;
  }
  for (const client of clients)
    if (room === undefined || rooms.has(client)) client.send(JSON.stringify({ event, data }));
}

/** What reached a gateway. */
const handled: unknown[] = [];

@WebSocketGateway(PATIENT)
class NewsGateway {
  @WebSocketServer() server: unknown;
  constructor(@Inject(ConnectionAuthenticator) private readonly connections: ConnectionAuthenticator) {}
  @SubscribeMessage('tell') tell(@MessageBody() text: unknown): void {
    handled.push(text);
    emit(this.server, 'news', text);
    emit(this.server, 'news', text, 'room');
  }
  @SubscribeMessage('enter') enter(@ConnectedSocket() client: { join?(room: string): void }): unknown {
    if (client.join) client.join('room');
    else rooms.add(client);
    return { event: 'entered', data: 'ok' };
  }
  @SubscribeMessage('renew') async renew(
    @ConnectedSocket() client: object,
    @MessageBody() token: never,
  ): Promise<unknown> {
    const isRenewed = await this.connections.renew(client, token).then(
      () => true,
      () => false,
    );
    return { event: 'renewed', data: isRenewed };
  }
}

@WebSocketGateway({ ...PATIENT, namespace: 'lobby' })
@Public()
class LobbyGateway {
  @SubscribeMessage('open') open(): unknown {
    return { event: 'open', data: 'ok' };
  }
}

@WebSocketGateway({ path: '/open' })
@Public()
class OpenPathGateway {
  @SubscribeMessage('open') open(): unknown {
    return { event: 'open', data: 'ok' };
  }
}

@WebSocketGateway({ path: '/closed' })
class ClosedPathGateway extends NewsGateway {}

@WebSocketGateway({ ...PATIENT, connectionStateRecovery: {} } as never)
@Scopes('news')
class RecoveringGateway extends NewsGateway {}

/** Listens to what is sent to its clients, and has a fault. */
@WebSocketGateway(PATIENT)
class FaultyGateway extends NewsGateway {
  handleConnection(client: { onAnyOutgoing?(listener: (event: string) => void): void }): void {
    client.onAnyOutgoing?.((event) => {
      if (event === 'exception') throw new Error('a fault of the application');
    });
  }
}

type Bare = EngineClient | FrameClient;

describe.each(LIBRARIES)('attempts by hand: %s', (library) => {
  let issuer: Issuer;
  let app: TestApp;
  let member: TestClient;
  let broadcasts = 0;
  const token = (claims: Record<string, unknown> = {}): string => issuer.token({ claims });
  const inSeconds = (seconds: number): string => token({ exp: nowInSeconds() + seconds });
  const boot = async (
    gateways: readonly (new (...args: never[]) => unknown)[] = [NewsGateway],
    options: AuthModuleOptions = {},
    place: { readonly path?: string } = {},
  ): Promise<void> => {
    app = await bootGateways(
      library,
      { ...issuer.options, clockTolerance: 0, ...options },
      { gateways: gateways as never },
    );
    const long = token({ sub: 'member', scope: 'news', exp: nowInSeconds() + 86_400 });
    member = await connect(library, app.origin, bearer(long), place);
  };
  const broadcast = async (text: string): Promise<void> => {
    member.send('tell', text);
    while ((await member.next('news')) !== text);
  };
  const open = async (presented: string, path?: string): Promise<Bare> => {
    if (library === 'ws') return FrameClient.open(app.origin, [`Authorization: Bearer ${presented}`], path);
    const client = await EngineClient.open(app.origin, { authorization: `Bearer ${presented}` });
    client.join();
    await client.next('connected');
    return client;
  };
  const expectDeaf = async (...clients: readonly TestClient[]): Promise<void> => {
    const text = `secret ${(broadcasts += 1)}`;
    await broadcast(text);
    for (const { received } of clients) expect(received.filter(({ data }) => data === text)).toEqual([]);
  };
  /** It hears what is said before, so that it is known to listen. */
  const expectToHear = async (client: TestClient): Promise<void> => {
    const text = `public ${(broadcasts += 1)}`;
    await broadcast(text);
    while ((await client.next('news')) !== text);
  };
  /** Told that its token has ended, by whatever the library has for it. */
  const told = (client: TestClient): Promise<unknown> =>
    client.next(library === 'ws' ? 'close' : 'exception');

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  beforeEach(() => {
    handled.length = 0;
    rooms.clear();
  });
  afterEach(async () => {
    closeClients();
    closeBareClients();
    issuer.server.recover();
    await app.close();
  });
  afterAll(() => issuer.close());

  it('only answering pings, or sending some, keeps no connection', async () => {
    await boot();
    const client = await open(inSeconds(30));
    await expectToHear(client);
    const beat = (): void => (client instanceof FrameClient ? client.ping() : client.write('3'));
    beat();
    advanceClock(31);
    beat();
    await told(client);
    for (let i = 0; i < 10; i++) beat();
    await expectDeaf(client);
    await client.whenEnded();
  });

  it('leaving the end of the connection unanswered does not keep it in a broadcast, nor in a room', async () => {
    await boot();
    const client = await open(inSeconds(30));
    client.send('enter');
    await client.next('entered');
    await expectToHear(client);
    advanceClock(31);
    await told(client);
    await expectDeaf(client);
    client.send('enter');
    client.send('tell', 'after the end');
    await expectDeaf(client);
    await client.whenEnded();
    expect(handled).not.toContain('after the end');
  });

  it('pretending to leave does not keep a connection from being ended', async () => {
    await boot();
    const client = await open(inSeconds(30));
    await expectToHear(client);
    for (const event of ['close', 'end', 'error', 'disconnect', 'disconnecting', 'exception'])
      client.send(event, 'transport close');
    advanceClock(31);
    await client.whenEnded();
    await expectDeaf(client);
    expect(app.nest.get(OpenStreams).size).toBe(1);
  });

  it('a message in binary is a message', async () => {
    await boot();
    const client = await open(inSeconds(30));
    const send = (text: string): void => {
      if (client instanceof FrameClient) {
        client.sendBinary('tell', text);
      } else {
        client.write('451-["tell",{"_placeholder":true,"num":0}]');
        client.write(Buffer.from(text));
      }
    };
    send('good');
    await member.next('news');
    const { length } = handled;
    jumpClock(31);
    send('expired');
    expect(await client.next('exception')).toMatchObject({ statusCode: 401, errorCode: 'invalid_token' });
    expect(handled).toHaveLength(length);
  });

  it('a renewal is of one connection only, and may bring its end nearer', async () => {
    await boot();
    const mine = inSeconds(60);
    const [renewed, other, shortened] = [await open(mine), await open(mine), await open(mine)];
    renewed.send('renew', inSeconds(600));
    shortened.send('renew', inSeconds(20));
    for (const each of [renewed, shortened]) expect(await each.next('renewed')).toBe(true);
    advanceClock(21);
    await told(shortened);
    await expectDeaf(shortened);
    await expectToHear(other);
    advanceClock(40);
    await told(other);
    await expectDeaf(other);
    await expectToHear(renewed);
  });

  it.each<[string, (others: Issuer) => unknown]>([
    [
      'one that is revoked',
      async () => {
        // Before it is revoked, also where a second begins in between.
        const revoked = token({ jti: 'revoked', exp: nowInSeconds() + 600 });
        await app.nest.get(TokenRevocations).revoke({ jti: 'revoked' });
        return revoked;
      },
    ],
    [
      'the same subject of another issuer',
      (others) => others.token({ claims: { exp: nowInSeconds() + 600 } }),
    ],
    ['one of tomorrow', () => token({ nbf: nowInSeconds() + 86_400, exp: nowInSeconds() + 90_000 })],
    ['one that expired, while the own is good', () => inSeconds(-1)],
    ['a subject in another case', () => token({ sub: 'USER-1', exp: nowInSeconds() + 600 })],
    ['a list of it', () => [inSeconds(600)]],
    ['an object that says it is one', () => ({ token: inSeconds(600), length: 600 })],
    ['the whole header', () => `Bearer ${inSeconds(600)}`],
  ])('a renewal with %s changes nothing', async (_, present) => {
    const others = await Issuer.start();
    try {
      await boot([NewsGateway], {
        issuer: undefined,
        issuers: [issuer, others].map(({ server }) => ({ issuer: server.issuer })),
      });
      const client = await open(inSeconds(30));
      client.send('renew', await present(others));
      expect(await client.next('renewed')).toBe(false);
      await expectToHear(client);
      advanceClock(31);
      await told(client);
      await expectDeaf(client);
    } finally {
      await others.close();
    }
  });

  it('revoked while others wait for the provider: nobody of them stays', async () => {
    await boot([NewsGateway], issuer.introspecting);
    const release = issuer.server.holdIntrospection();
    const asked = issuer.server.count('/introspect');
    const connecting = connect(library, app.origin, bearer(issuer.opaqueToken({ sub: 'user-2' })));
    await issuer.server.asked('/introspect', asked + 1);
    await app.nest.get(TokenRevocations).revoke({ sub: 'user-2' });
    release();
    const client = await connecting;
    await client.whenEnded();
    await expectDeaf(client);
  });

  if (library === 'ws') {
    it.each<[string, (good: string) => string[]]>([
      ['the token first', (good) => [`Sec-WebSocket-Protocol: ${good}, bearer`]],
      ['the token alone', (good) => [`Sec-WebSocket-Protocol: ${good}`]],
      ['bearer in another case', (good) => [`Sec-WebSocket-Protocol: Bearer, ${good}`]],
      ['no comma', (good) => [`Sec-WebSocket-Protocol: bearer ${good}`]],
      ['bearer twice', (good) => [`Sec-WebSocket-Protocol: bearer, bearer, ${good}`]],
      ['something between', (good) => [`Sec-WebSocket-Protocol: bearer, chat, ${good}`]],
      ['an empty one between', (good) => [`Sec-WebSocket-Protocol: bearer, , ${good}`]],
      ['the token twice', (good) => [`Sec-WebSocket-Protocol: bearer, ${good}, ${good}`]],
      [
        'a second list',
        (good) => [`Sec-WebSocket-Protocol: bearer, ${good}`, `Sec-WebSocket-Protocol: bearer, ${good}`],
      ],
      [
        'a header beside it',
        (good) => [`Sec-WebSocket-Protocol: bearer, ${good}`, `Authorization: Bearer ${good}`],
      ],
      [
        'a bad one, and a good header',
        (good) => ['Sec-WebSocket-Protocol: bearer, bad', `Authorization: Bearer ${good}`],
      ],
      ['quotes', (good) => [`Sec-WebSocket-Protocol: bearer, "${good}"`]],
      ['two equal headers', (good) => [`Authorization: Bearer ${good}`, `authorization: Bearer ${good}`]],
      ['a header with two tokens', (good) => [`Authorization: Bearer ${good}, Bearer ${good}`]],
      ['a header that is folded', (good) => [`Authorization: Bearer`, ` ${good}`]],
      ['no colon', (good) => [`Authorization Bearer ${good}`]],
    ])('subprotocols and headers: %s', async (_, lines) => {
      await boot();
      const client = await FrameClient.open(app.origin, lines(token()));
      await Promise.race([client.next('close').catch(() => undefined), client.whenEnded()]);
      await expectDeaf(client);
      expect(client.answer).toMatch(/^HTTP\/1\.1 (101|400) /);
      // The answer never holds the token.
      expect(client.answer).not.toMatch(/ey[\w-]+\./);
    });

    it.each([
      '/closed',
      '/closed/',
      '//closed',
      '/open/../closed',
      '/open/%2e%2e/closed',
      '/%63losed',
      '/closed?/open',
      '/closed#/open',
      '/open?/closed',
      'http://x/closed',
      '/CLOSED',
    ])('beside an open gateway on another path, by %s', async (path) => {
      await boot([OpenPathGateway, ClosedPathGateway], {}, { path: '/closed' });
      const client = FrameClient.start(app.origin, upgradeRequest([], path));
      client.send('tell', 'by a stranger');
      client.send('open');
      await Promise.race([client.whenEnded(), client.next('open').catch(() => undefined)]);
      await expectDeaf(client);
      expect(handled).not.toContain('by a stranger');
    });

    it('another upgrade on a connection whose first one was refused', async () => {
      await boot();
      const good = [`Authorization: Bearer ${token()}`];
      const client = FrameClient.start(app.origin, upgradeRequest(), upgradeRequest(good));
      expect(await client.next('close')).toMatchObject({ code: 1008, reason: 'unauthorized' });
      client.socket.write(upgradeRequest(good));
      await expectDeaf(client);
      await client.whenEnded();
      expect(app.nest.get(OpenStreams).size).toBe(1);
    });
    return;
  }

  it('a listener of the application that fails keeps nobody connected', async () => {
    await boot([FaultyGateway]);
    const [client, other] = [await open(token({ sub: 'user-2' })), await open(token({ sub: 'user-2' }))];
    await app.nest.get(TokenRevocations).revoke({ sub: 'user-2' });
    for (const each of [client, other]) await each.whenEnded();
    await expectDeaf(client, other);
  });

  it('a namespace that is joined after the token has expired', async () => {
    await boot([NewsGateway, LobbyGateway]);
    const client = await EngineClient.open(app.origin, { authorization: `Bearer ${inSeconds(30)}` });
    client.join();
    await client.next('connected');
    client.join('', '/lobby,');
    await client.next('connected/lobby');
    advanceClock(31);
    await client.next('disconnected');
    // The connection is still there, and so is the header that it was opened with.
    for (const [auth, statusCode] of [
      ['', 401],
      [`{"token":"${inSeconds(-1)}"}`, 400],
      [`{"token":"${inSeconds(600)}"}`, 400],
    ] as const) {
      client.join(auth);
      expect(await client.next('connect_error')).toMatchObject({ data: { statusCode } });
    }
    client.send('tell', 'after the end');
    await client.whenEnded();
    await expectDeaf(client);
    expect(handled).not.toContain('after the end');
  });

  it('a namespace that is left and joined again with a token that is revoked meanwhile', async () => {
    await boot([NewsGateway, LobbyGateway]);
    const client = await EngineClient.open(app.origin);
    const auth = JSON.stringify({ token: token({ sub: 'user-2' }) });
    client.join('', '/lobby,');
    await client.next('connected/lobby');
    client.join(auth);
    await client.next('connected');
    await expectToHear(client);
    client.write('41');
    while (app.nest.get(OpenStreams).size > 1) await new Promise((resolve) => setImmediate(resolve));
    await app.nest.get(TokenRevocations).revoke({ sub: 'user-2' });
    client.join(auth);
    expect(await client.next('connect_error')).toMatchObject({ data: { statusCode: 401 } });
    await expectDeaf(client);
  });

  const connected = (socket: Socket): Promise<IoTestClient> => {
    const client = new IoTestClient(socket);
    return new Promise((resolve) => {
      for (const event of ['connect', 'connect_error']) socket.once(event, () => resolve(client));
    });
  };

  it('a good token at the upgrade of a connection that polling has begun without one', async () => {
    await boot();
    const client = await connected(
      io(app.origin, {
        forceNew: true,
        reconnection: false,
        transports: ['polling', 'websocket'],
        transportOptions: { websocket: { extraHeaders: { authorization: `Bearer ${token()}` } } },
      }),
    );
    expect(client.ended).toMatchObject({ data: { statusCode: 401, errorCode: 'missing_token' } });
    await expectDeaf(client);
    client.close();
  });

  it("the upgrade of somebody's polling connection changes nothing about whose it is", async () => {
    await boot();
    const client = await connected(
      io(app.origin, {
        forceNew: true,
        reconnection: false,
        transports: ['polling', 'websocket'],
        transportOptions: {
          polling: { extraHeaders: { authorization: `Bearer ${inSeconds(30)}` } },
          websocket: { extraHeaders: { authorization: `Bearer ${inSeconds(6000)}` } },
        },
      }),
    );
    expect(client.ended).toBeUndefined();
    await expectToHear(client);
    advanceClock(31);
    await client.whenEnded();
    await expectDeaf(client);
  });

  it('polling alone ends with the token, too', async () => {
    await boot([NewsGateway, LobbyGateway]);
    const client = await connected(
      io(app.origin, {
        forceNew: true,
        reconnection: false,
        transports: ['polling'],
        extraHeaders: { authorization: `Bearer ${inSeconds(30)}` },
      }),
    );
    const lobby = await connected(client.socket.io.socket('/lobby'));
    await expectToHear(client);
    advanceClock(31);
    await client.whenEnded();
    await expectDeaf(client, lobby);
    expect(lobby.ended).toBeUndefined();
    lobby.close();
  });

  describe('a session that is recovered', () => {
    const session = async (
      claims: Record<string, unknown>,
    ): Promise<[IoTestClient, Record<string, string>]> => {
      const client = (await connect(
        'socket.io',
        app.origin,
        bearer(token({ scope: 'news', ...claims })),
      )) as IoTestClient;
      await broadcast('first');
      await client.next('news');
      const { _pid: pid, _lastOffset: offset } = client.socket as unknown as {
        _pid: string;
        _lastOffset: string;
      };
      return [client, { pid, offset }];
    };
    const lose = async (client: IoTestClient): Promise<void> => {
      client.socket.io.engine.close();
      await client.whenEnded();
      await broadcast('missed');
    };

    it('is not, where its token had ended: not by it, nor by a new one', async () => {
      await boot([RecoveringGateway]);
      const old = token({ scope: 'news', exp: nowInSeconds() + 30 });
      const [client, auth] = await session({ exp: nowInSeconds() + 30 });
      advanceClock(31);
      await client.whenEnded();
      await broadcast('missed');
      for (const presented of [old, token({ scope: 'news', exp: nowInSeconds() + 600 })]) {
        const back = (await connect('socket.io', app.origin, { ...bearer(presented), auth })) as IoTestClient;
        expect(back.socket.recovered).toBeFalsy();
        expect(back.received.filter(({ data }) => data === 'missed')).toEqual([]);
      }
    });

    it('is not without the scopes of the gateway, nor with a token that was revoked', async () => {
      await boot([RecoveringGateway]);
      const [client, auth] = await session({ sub: 'user-2' });
      await lose(client);
      const without = await connect('socket.io', app.origin, { ...bearer(token({ sub: 'user-2' })), auth });
      expect(without.ended).toMatchObject({ data: { statusCode: 403 } });
      await app.nest.get(TokenRevocations).revoke({ sub: 'user-2' });
      const revoked = await connect('socket.io', app.origin, {
        ...bearer(token({ sub: 'user-2', scope: 'news' })),
        auth,
      });
      expect(revoked.ended).toMatchObject({ data: { statusCode: 401 } });
      await expectDeaf(without, revoked);
      for (const { received } of [without, revoked]) expect(received).toEqual([]);
    });

    it.each<[string, (auth: Record<string, string>) => unknown]>([
      ['with the identifier in a list', ({ pid, offset }) => ({ pid: [pid], offset })],
      ['with an offset of nobody', ({ pid }) => ({ pid, offset: 'x' })],
      ['with no offset', ({ pid }) => ({ pid })],
      ['with the identifier of nobody', ({ offset }) => ({ pid: 'x', offset })],
      [
        'with the name of the owner',
        ({ pid, offset }) => ({ pid, offset, 'nestjs-resource-server:owner': 'anonymous' }),
      ],
    ])('is not by another caller %s', async (_, present) => {
      await boot([RecoveringGateway]);
      const [client, auth] = await session({ sub: 'user-2' });
      await lose(client);
      const thief = (await connect('socket.io', app.origin, {
        ...bearer(token({ sub: 'thief', scope: 'news' })),
        auth: present(auth) as Record<string, unknown>,
      })) as IoTestClient;
      await expectToHear(thief);
      expect(thief.socket.recovered).toBeFalsy();
      expect(thief.received.filter(({ data }) => data === 'missed')).toEqual([]);
    });
  });
});
