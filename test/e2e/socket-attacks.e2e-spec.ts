/** Attempts to have a socket receive a broadcast that no good token stands behind; each is made while a member listens. */
import { createHash, randomBytes } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { ConnectionAuthenticator, Public, Scopes, type AuthModuleOptions } from 'nestjs-resource-server';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { OpenStreams } from '../../lib/guard/streams/open-streams.js';
import type { TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { DPoPClient } from '../support/dpop.js';
import { Issuer } from '../support/issuer.js';
import { freePort } from '../support/ports.js';
import {
  bearer,
  bootGateways,
  closeClients,
  connect,
  IoTestClient,
  LIBRARIES,
  refusedWith,
  type Presented,
  type TestClient,
} from '../support/sockets.js';
import { nowInSeconds } from '../support/tokens.js';

const PATIENT = { pingInterval: 1e9, pingTimeout: 1e9 };

function emit(server: unknown, event: string, data: unknown): void {
  const { clients } = server as { readonly clients?: ReadonlySet<{ send(text: string): void }> };
  if (clients) for (const client of clients) client.send(JSON.stringify({ event, data }));
  else (server as { emit(event: string, data: unknown): void }).emit(event, data);
}

/** What an attempt must not bring about. */
const handled: string[] = [];

@WebSocketGateway(PATIENT)
class NewsGateway {
  @WebSocketServer() server: unknown;
  constructor(@Inject(ConnectionAuthenticator) private readonly connections: ConnectionAuthenticator) {}
  handleConnection(): void {
    handled.push('connection');
  }
  @SubscribeMessage('tell') tell(@MessageBody() text: unknown): void {
    handled.push('tell');
    emit(this.server, 'news', text);
  }
  @SubscribeMessage('open') @Public() open(): unknown {
    handled.push('open');
    return { event: 'open', data: 'ok' };
  }
  @SubscribeMessage('renew') @Public() async renew(
    @ConnectedSocket() client: object,
    @MessageBody() token: string,
  ): Promise<unknown> {
    const isRenewed = await this.connections.renew(client, token).then(
      () => true,
      () => false,
    );
    return { event: 'renewed', data: isRenewed };
  }
}

@WebSocketGateway({ ...PATIENT, namespace: 'chat' })
class ChatGateway extends NewsGateway {}

@WebSocketGateway({ ...PATIENT, namespace: /^\/room-\d+$/ })
@Scopes('rooms')
class RoomGateway extends NewsGateway {}

@WebSocketGateway({ ...PATIENT, namespace: 'lobby' })
@Public()
class LobbyGateway {
  @SubscribeMessage('open') open(): unknown {
    return { event: 'open', data: 'ok' };
  }
}

describe.each(LIBRARIES)('a socket behind which no good token stands: %s', (library) => {
  let issuer: Issuer;
  let app: TestApp;
  let member: TestClient;
  const boot = async (
    options: AuthModuleOptions = {},
    gateways: readonly (new (...args: never[]) => unknown)[] = [NewsGateway],
  ): Promise<void> => {
    app = await bootGateways(
      library,
      { ...issuer.options, clockTolerance: 0, ...options },
      { gateways: gateways as never },
    );
    member = await connect(
      library,
      app.origin,
      bearer(issuer.token({ claims: { exp: nowInSeconds() + 86_400 } })),
    );
  };
  /** The member hears it; whoever else is connected had it, too. */
  const broadcast = async (text = 'news'): Promise<void> => {
    member.send('tell', text);
    await member.next('news');
  };
  const expectNothing = (client: TestClient): void =>
    expect(client.received.filter(({ event }) => event === 'news')).toEqual([]);

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  beforeEach(() => void (handled.length = 0));
  afterEach(async () => {
    closeClients();
    issuer.server.recover();
    await app.close();
  });
  afterAll(() => issuer.close());

  const token = (claims: Record<string, unknown> = {}): string => issuer.token({ claims });
  const beside = (value: unknown): Presented =>
    library === 'ws' ? { protocols: ['bearer', String(value)] } : { auth: { token: value } };

  const ATTEMPTS: readonly [string, () => Presented][] = [
    ['without a token', () => ({})],
    ['with a forged signature', () => bearer(`${token().slice(0, -8)}AAAAAAAA`)],
    ['with alg none', () => bearer(token().replace(/^[^.]+/, btoa('{"alg":"none"}').replaceAll('=', '')))],
    ['with a token of tomorrow', () => bearer(token({ nbf: nowInSeconds() + 3600 }))],
    ['with an expired token', () => bearer(token({ exp: nowInSeconds() - 1 }))],
    ['with a token without exp', () => bearer(token({ exp: undefined }))],
    ['with an ID token', () => bearer(issuer.token({ header: { typ: 'JWT' }, claims: { nonce: 'n' } }))],
    ['with Basic', () => ({ headers: { authorization: 'Basic dTpw' } })],
    ['with the token in the query', () => ({ query: `?access_token=${token()}` })],
    ['with the same token twice', () => ({ ...beside(token()), ...bearer(token()) })],
    ['with a token in a cookie', () => ({ headers: { cookie: `token=${token()}` } })],
    ['with a DPoP-bound token as Bearer', () => bearer(token({ cnf: { jkt: 'a'.repeat(43) } }))],
    [
      'with a certificate-bound token, and no certificate',
      () => bearer(token({ cnf: { 'x5t#S256': 'a'.repeat(43) } })),
    ],
    [
      'with a proxy header that nobody trusts',
      () => ({ headers: { 'x-forwarded-user': 'admin', 'client-cert': ':AAAA:' } }),
    ],
    ['with nonsense beside the request', () => beside('nonsense')],
    [
      'with an empty token beside the request',
      () => (library === 'ws' ? { protocols: ['bearer'] } : { auth: { token: '' } }),
    ],
    [
      'with two tokens beside the request',
      () =>
        library === 'ws'
          ? { protocols: ['bearer', token(), token({ sub: 'b' })] }
          : { auth: { token: [token(), token()] } },
    ],
    [
      'with a scheme beside the request',
      () =>
        library === 'ws' ? { protocols: ['Bearer', token()] } : { auth: { token: `Bearer ${token()}` } },
    ],
    [
      'with claims instead of a token',
      () =>
        library === 'ws'
          ? { headers: { 'x-claims': '{"sub":"user-1"}' } }
          : { auth: { claims: { sub: 'user-1' }, user: { sub: 'user-1' } } },
    ],
  ];

  it.each(ATTEMPTS)('hears nothing %s', async (_, present) => {
    await boot();
    const client = await connect(library, app.origin, present());
    await broadcast();
    await client.whenEnded();
    expectNothing(client);
    expect(handled).toEqual(['connection', 'tell']);
  });

  it('hears nothing while it is being decided on, and what it says meanwhile is not heard', async () => {
    await boot(issuer.introspecting);
    const release = issuer.server.holdIntrospection();
    const asked = issuer.server.count('/introspect');
    const connecting = connect(library, app.origin, bearer('opaque-and-unknown'));
    await issuer.server.asked('/introspect', asked + 1);
    await broadcast('while it waits');
    release();
    const client = await connecting;
    expect(await client.whenEnded()).toEqual(refusedWith(library, 401, 'unauthorized', 'invalid_token'));
    expectNothing(client);
  });

  it('hears nothing after its token has expired', async () => {
    await boot();
    const client = await connect(library, app.origin, bearer(token({ exp: nowInSeconds() + 30 })));
    await broadcast('before');
    await client.next('news');
    advanceClock(31);
    await client.whenEnded();
    await broadcast('after');
    expect(client.received.filter(({ data }) => data === 'after')).toEqual([]);
  });

  it("does not live longer by somebody else's token, nor by a token that has expired", async () => {
    await boot();
    const client = await connect(library, app.origin, bearer(token({ exp: nowInSeconds() + 30 })));
    for (const other of [
      token({ sub: 'user-2', exp: nowInSeconds() + 600 }),
      token({ client_id: 'other', exp: nowInSeconds() + 600 }),
      token({ exp: nowInSeconds() - 1 }),
    ]) {
      client.send('renew', other);
      expect(await client.next('renewed')).toBe(false);
    }
    advanceClock(31);
    await client.whenEnded();
    await broadcast('after');
    expect(client.received.filter(({ data }) => data === 'after')).toEqual([]);
  });

  it('is not revived by a renewal that is validated while it ends', async () => {
    await boot(issuer.introspecting);
    const mine = { sub: 'user-1', exp: nowInSeconds() + 30 };
    const client = await connect(library, app.origin, bearer(issuer.opaqueToken(mine)));
    const release = issuer.server.holdIntrospection();
    const asked = issuer.server.count('/introspect');
    client.send('renew', issuer.opaqueToken({ ...mine, exp: nowInSeconds() + 6000 }));
    await issuer.server.asked('/introspect', asked + 1);
    advanceClock(31);
    await client.whenEnded();
    release();
    await broadcast('after');
    expect(client.received.filter(({ data }) => data === 'after')).toEqual([]);
    while (app.nest.get(OpenStreams).size > 1) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  it('refuses a thousand at once, and the good one is heard', async () => {
    await boot();
    const refused = await Promise.all(
      Array.from({ length: 1000 }, async () =>
        (await connect(library, app.origin, bearer('bad'))).whenEnded(),
      ),
    );
    expect(new Set(refused.map((each) => JSON.stringify(each))).size).toBe(1);
    await broadcast();
    expect(app.nest.get(OpenStreams).size).toBe(1);
  });

  it('takes no token, claims or user from a payload', async () => {
    await boot({}, [NewsGateway]);
    const client = await connect(library, app.origin, bearer(token()));
    client.send('tell', {
      token: token({ sub: 'x' }),
      user: { sub: 'x' },
      claims: { sub: 'x' },
      __proto__: { sub: 'x' },
    });
    await member.next('news');
    expect(member.ended).toBeUndefined();
  });

  it('proves a key once, at the handshake, and refuses the proof anywhere else', async () => {
    await boot();
    const key = await DPoPClient.make();
    const bound = token({ cnf: { jkt: key.jkt } });
    const url = `${app.origin}${library === 'ws' ? '/' : '/socket.io/'}`;
    const headers = key.headers({ token: bound, method: 'GET', url });
    const client = await connect(library, app.origin, { headers });
    expect(client.ended).toBeUndefined();
    client.send('tell', 'bound');
    await client.next('news');
    const again = await connect(library, app.origin, { headers });
    expect((await again.whenEnded()).code ?? 1008).toBe(1008);
    const elsewhere = await connect(library, app.origin, {
      headers: key.headers({ token: bound, method: 'GET', url: `${app.origin}/elsewhere` }),
    });
    await elsewhere.whenEnded();
    await broadcast('again');
    for (const each of [again, elsewhere]) expectNothing(each);
  });
});

describe('a client of ws that does as it likes', () => {
  let issuer: Issuer;
  let app: TestApp;
  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootGateways(
      'ws',
      { ...issuer.options, ...issuer.introspecting },
      { gateways: [NewsGateway] as never },
    );
  });
  beforeEach(() => void (handled.length = 0));
  afterAll(async () => {
    closeClients();
    await app.close();
    await issuer.close();
  });

  const upgrade = (lines: readonly string[] = []): string =>
    [
      'GET / HTTP/1.1',
      'Host: x',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...lines,
      '',
      '',
    ].join('\r\n');
  /** Masked with zeros. */
  const frame = (event: string): Buffer => {
    const text = Buffer.from(JSON.stringify({ event, data: 'x' }));
    return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
  };
  const talk = (bytes: readonly (string | Buffer)[]): Promise<string> =>
    new Promise((resolve) => {
      const socket = connectTcp(Number(new URL(app.origin).port), '127.0.0.1');
      let said = '';
      socket.on('data', (chunk) => (said += chunk.toString('latin1')));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(said));
      for (const each of bytes) socket.write(each);
    });

  it('is not heard with messages that come in the packet of the upgrade, and goes on sending for nothing', async () => {
    const said = await talk([
      Buffer.concat([Buffer.from(upgrade()), frame('tell'), frame('open')]),
      ...Array.from({ length: 100 }, () => frame('open')),
    ]);
    expect(said).toMatch(/^HTTP\/1\.1 101 /);
    expect(said).toContain('unauthorized');
    expect(handled).toEqual([]);
  });

  it.each([
    ['a bad key', upgrade().replace(/Key: .*/, 'Key: short')],
    ['another version', upgrade().replace('Version: 13', 'Version: 7')],
    ['two Authorization headers', upgrade(['Authorization: Bearer a', 'Authorization: Bearer b'])],
    ['a header too long for Node', upgrade([`X-Long: ${'a'.repeat(65_536)}`])],
  ])('gets nowhere with %s', async (_, request) => {
    const said = await talk([request]);
    expect(said).toMatch(/^HTTP\/1\.1 (400|431|101) /);
    expect(said).not.toContain('news');
    expect(handled).toEqual([]);
  });

  it('costs nothing when it goes away while it is decided on', async () => {
    const release = issuer.server.holdIntrospection();
    const asked = issuer.server.count('/introspect');
    const clients = Array.from({ length: 20 }, (_, index) => {
      const socket = connectTcp(Number(new URL(app.origin).port), '127.0.0.1');
      socket.write(upgrade([`Authorization: Bearer opaque-${index}`]));
      return socket;
    });
    await issuer.server.asked('/introspect', asked + 20);
    for (const socket of clients) socket.resetAndDestroy();
    release();
    const good = await connect('ws', app.origin, bearer(issuer.opaqueToken()));
    good.send('open');
    await good.next('open');
    expect(handled).toEqual(['connection', 'open']);
    expect(app.nest.get(OpenStreams).size).toBe(1);
  });

  it('is answered with the subprotocol bearer, and never with the token', async () => {
    const token = issuer.opaqueToken();
    for (const [offered, expected] of [
      [['bearer', token], 'bearer'],
      [['chat.v1', 'bearer', token], 'chat.v1'],
      [['bearer', 'bad'], 'bearer'],
    ] as const) {
      const socket = new WebSocket(app.origin.replace('http', 'ws'), [...offered]);
      const protocol = await new Promise((resolve) => socket.once('open', () => resolve(socket.protocol)));
      socket.terminate();
      expect(protocol).toBe(expected);
    }
  });

  it('completes the upgrade that it refuses as RFC 6455 says', async () => {
    const key = randomBytes(16).toString('base64');
    const said = await talk([upgrade().replace(/Key: .*/, `Key: ${key}`)]);
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    expect(said).toContain(`Sec-WebSocket-Accept: ${accept}`);
  });
});

describe('namespaces of socket.io', () => {
  let issuer: Issuer;
  let app: TestApp;
  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootGateways('socket.io', issuer.options, {
      gateways: [ChatGateway, RoomGateway, LobbyGateway] as never,
    });
  });
  afterEach(closeClients);
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });
  const at = (namespace: string, presented: Presented = {}): Promise<TestClient> =>
    connect('socket.io', app.origin, presented, { namespace });

  it.each(['/chat', '/room-1', '/', '/room-77'])('are closed without a token: %s', async (namespace) => {
    expect((await at(namespace)).ended).toEqual(
      refusedWith('socket.io', 401, 'unauthorized', 'missing_token'),
    );
  });

  it('each ask for what their gateways ask for', async () => {
    const token = issuer.token({ claims: { scope: 'other' } });
    expect((await at('/chat', bearer(token))).ended).toBeUndefined();
    expect((await at('/room-1', bearer(token))).ended).toMatchObject({ message: 'forbidden' });
    expect((await at('/lobby')).ended).toBeUndefined();
    expect((await at('/room-2', bearer(issuer.token({ claims: { scope: 'rooms' } })))).ended).toBeUndefined();
  });

  it('do not hear of one another over one connection', async () => {
    const manager = io(`${app.origin}/lobby`, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
    });
    const lobby = new IoTestClient(manager);
    await new Promise<void>((resolve) => void manager.once('connect', () => resolve()));
    const chat = new IoTestClient(manager.io.socket('/chat'));
    chat.socket.connect();
    expect(await chat.whenEnded()).toMatchObject({ message: 'unauthorized' });
    const member = await at('/chat', bearer(issuer.token()));
    member.send('tell', 'x');
    await member.next('news');
    for (const each of [lobby, chat])
      expect(each.received.filter(({ event }) => event === 'news')).toEqual([]);
    manager.disconnect();
  });
});

describe('connection state recovery', () => {
  let issuer: Issuer;
  let app: TestApp;
  @Injectable()
  class RecoveringGateway extends NewsGateway {}
  WebSocketGateway({ ...PATIENT, connectionStateRecovery: {} } as never)(RecoveringGateway);

  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootGateways(
      'socket.io',
      { ...issuer.options, clockTolerance: 0 },
      { gateways: [RecoveringGateway] as never },
    );
  });
  afterEach(closeClients);
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  /** Connects, hears one event (so that there is an offset), and loses its transport while another event is sent. */
  async function lose(token: string): Promise<{ pid: string; offset: string }> {
    const client = (await connect('socket.io', app.origin, bearer(token))) as IoTestClient;
    const { socket } = client;
    socket.emit('tell', 'one');
    await client.next('news');
    const { _pid: pid, _lastOffset: offset } = socket as unknown as { _pid: string; _lastOffset: string };
    socket.io.engine.close();
    await client.whenEnded();
    const member = await connect(
      'socket.io',
      app.origin,
      bearer(issuer.token({ claims: { sub: 'member' } })),
    );
    member.send('tell', 'missed');
    await member.next('news');
    return { pid, offset };
  }

  it('still gives the caller what it missed', async () => {
    const session = await lose(issuer.token());
    const back = (await connect('socket.io', app.origin, {
      ...bearer(issuer.token()),
      auth: session,
    })) as IoTestClient;
    expect(await back.next('news')).toBe('missed');
    back.send('tell', 'again');
    while ((await back.next('news')) !== 'again');
  });

  it('gives nothing to a caller that no claim names: another one may be meant', async () => {
    const nameless = (): string => issuer.token({ claims: { sub: undefined, client_id: undefined } });
    const session = await lose(nameless());
    const back = (await connect('socket.io', app.origin, {
      ...bearer(nameless()),
      auth: session,
    })) as IoTestClient;
    expect(back.socket.recovered).toBe(false);
    back.send('open');
    await back.next('open');
    expect(back.received.filter(({ data }) => data === 'missed')).toEqual([]);
  });

  it.each<[string, () => Presented]>([
    ['nobody', () => ({})],
    ['a bad token', () => bearer('bad')],
    ['an expired token', () => bearer(issuer.token({ claims: { exp: nowInSeconds() - 1 } }))],
    ['somebody else', () => bearer(issuer.token({ claims: { sub: 'user-2' } }))],
    ['another client', () => bearer(issuer.token({ claims: { client_id: 'other' } }))],
  ])('gives %s nothing', async (_, present) => {
    const session = await lose(issuer.token());
    const presented = present();
    const thief = (await connect('socket.io', app.origin, { ...presented, auth: session })) as IoTestClient;
    const member = await connect('socket.io', app.origin, bearer(issuer.token()));
    member.send('open');
    await member.next('open');
    expect(thief.received.filter(({ data }) => data === 'missed')).toEqual([]);
  });
});

describe('where gateways listen', () => {
  it('is guarded on ports of their own, before any hook, and on paths', async () => {
    const issuer = await Issuer.start();
    const port = await freePort();
    @WebSocketGateway(port, { path: '/own' })
    class OwnPortGateway {
      @SubscribeMessage('open') open(): unknown {
        return { event: 'open', data: 'ok' };
      }
    }
    const early: unknown[] = [];
    @Injectable()
    class Early {
      async onModuleInit(): Promise<void> {
        const client = await connect('ws', `http://127.0.0.1:${port}`, {}, { path: '/own' });
        early.push(await client.whenEnded());
      }
    }
    const app = await bootGateways('ws', issuer.options, { gateways: [OwnPortGateway], providers: [Early] });
    expect(early).toEqual([refusedWith('ws', 401, 'unauthorized', 'missing_token')]);
    const good = await connect('ws', `http://127.0.0.1:${port}`, bearer(issuer.token()), { path: '/own' });
    good.send('open');
    await good.next('open');
    closeClients();
    await app.close();
    await issuer.close();
  });

  it('is not served by a server that nobody can guard', async () => {
    const issuer = await Issuer.start();
    class OtherAdapter extends IoAdapter {
      override create(): never {
        return { on: () => undefined } as never;
      }
    }
    const start = bootGateways('socket.io', issuer.options, {
      gateways: [NewsGateway] as never,
      beforeListening: (nest) => void nest.useWebSocketAdapter(new OtherAdapter(nest)),
    });
    await expect(start).rejects.toThrow('NewsGateway is neither socket.io nor ws');
    await issuer.close();
  });

  it('is guarded where an adapter of the application makes the server', async () => {
    const issuer = await Issuer.start();
    class OwnAdapter extends IoAdapter {
      override createIOServer(port: number, options?: object): never {
        return super.createIOServer(port, { ...options, path: '/sockets' } as never) as never;
      }
    }
    const app = await bootGateways('socket.io', issuer.options, {
      gateways: [NewsGateway] as never,
      beforeListening: (nest) => void nest.useWebSocketAdapter(new OwnAdapter(nest)),
    });
    const nobody = await connect('socket.io', app.origin, {}, { path: '/sockets' });
    expect(nobody.ended).toEqual(refusedWith('socket.io', 401, 'unauthorized', 'missing_token'));
    closeClients();
    await app.close();
    await issuer.close();
  });
});
