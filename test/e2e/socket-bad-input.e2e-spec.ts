/** What clients send that are broken, impatient or hostile: nothing of it is heard, and those who are good notice nothing. */
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Claims, claimsOf, Public, Scopes } from 'nestjs-resource-server';
import { OpenStreams } from '../../lib/guard/streams/open-streams.js';
import type { TestApp } from '../support/app.js';
import {
  closeBareClients,
  EngineClient,
  frame,
  FrameClient,
  upgradeRequest,
} from '../support/bare-clients.js';
import { advanceClock } from '../support/clock.js';
import { Issuer } from '../support/issuer.js';
import { sendBytes } from '../support/raw-socket.js';
import {
  bearer,
  bootGateways,
  closeClients,
  connect,
  LIBRARIES,
  type TestClient,
} from '../support/sockets.js';
import { nowInSeconds } from '../support/tokens.js';

/** What reached the gateway. */
const handled: string[] = [];

@WebSocketGateway({ pingInterval: 1e9, pingTimeout: 1e9, connectTimeout: 1000 } as never)
class Gateway {
  handleConnection(): void {
    handled.push('connection');
  }
  @SubscribeMessage('who') who(
    @Claims() claims: { readonly sub: string; readonly scope?: string },
    @ConnectedSocket() client: object,
    @MessageBody() data: unknown,
  ): unknown {
    handled.push('who');
    const { sub, scope } = claims;
    return { event: 'who', data: { sub, scope, same: claimsOf(client) === claims, data } };
  }
  @SubscribeMessage('admin') @Scopes('admin') admin(): unknown {
    handled.push('admin');
    return { event: 'admin', data: 'ok' };
  }
  @SubscribeMessage('open') @Public() open(): unknown {
    handled.push('open');
    return { event: 'open', data: 'ok' };
  }
}

describe.each(LIBRARIES)('bad input: %s', (library) => {
  let issuer: Issuer;
  let app: TestApp;
  const token = (claims: Record<string, unknown> = {}): string =>
    issuer.token({ claims: { exp: nowInSeconds() + 600, ...claims } });
  const size = (): number => app.nest.get(OpenStreams).size;
  const openStreams = async (count: number): Promise<void> => {
    while (size() !== count) await new Promise((resolve) => setImmediate(resolve));
  };
  /** Somebody good is served as ever. */
  const expectService = async (): Promise<void> => {
    const good = await connect(library, app.origin, bearer(token()));
    good.send('who');
    expect(await good.next('who')).toMatchObject({ sub: 'user-1' });
    good.close();
  };
  /** Without a library; decided on, where `isGood`. */
  const openBare = async (presented: string, isGood = true): Promise<EngineClient | FrameClient> => {
    if (library === 'ws') return FrameClient.open(app.origin, [`Authorization: Bearer ${presented}`]);
    const client = await EngineClient.open(app.origin, { authorization: `Bearer ${presented}` });
    client.join();
    if (isGood) await client.next('connected');
    return client;
  };

  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootGateways(
      library,
      { ...issuer.introspecting, clockTolerance: 0 },
      { gateways: [Gateway] as never },
    );
  });
  beforeEach(() => void (handled.length = 0));
  afterEach(async () => {
    closeClients();
    closeBareClients();
    issuer.server.recover();
    await openStreams(0);
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  it('serves others while handshakes are never finished, and keeps nothing of them', async () => {
    const clients: { whenEnded(): Promise<unknown>; close(): void }[] = [];
    for (let i = 0; i < 200; i++) {
      const request = upgradeRequest([`Authorization: Bearer ${token()}`]);
      clients.push(FrameClient.start(app.origin, request.slice(0, 20 + i)));
      // Open for Engine.IO, and says no more.
      if (library === 'socket.io')
        clients.push(await EngineClient.open(app.origin, { authorization: `Bearer ${token()}` }));
    }
    await expectService();
    expect(handled).toEqual(['connection', 'who']);
    await openStreams(0);
    for (const client of clients) client.close();
  });

  it('hears nothing of a client that leaves while it is decided on', async () => {
    const release = issuer.server.holdIntrospection();
    const asked = issuer.server.count('/introspect');
    const clients = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const presented = index % 2 === 0 ? issuer.opaqueToken() : `unknown-${index}`;
        if (library === 'ws')
          return FrameClient.start(app.origin, upgradeRequest([`Authorization: Bearer ${presented}`]));
        const client = await EngineClient.open(app.origin);
        client.join(JSON.stringify({ token: presented }));
        return client;
      }),
    );
    await issuer.server.asked('/introspect', asked + 20);
    for (const client of clients) client.close();
    await Promise.all(clients.map((client) => client.whenEnded()));
    // What has reached the application before this request is read before it.
    await fetch(app.origin);
    release();
    await expectService();
    expect(handled).toEqual(['connection', 'who']);
    await openStreams(0);
  });

  it('is not heard before the handshake is decided', async () => {
    const release = issuer.server.holdIntrospection();
    const asked = issuer.server.count('/introspect');
    const good = issuer.opaqueToken();
    if (library === 'ws') {
      const text = JSON.stringify({ event: 'open' });
      const request = upgradeRequest([`Authorization: Bearer ${good}`]);
      const client = FrameClient.start(app.origin, request, frame(1, text), frame(2, text));
      await issuer.server.asked('/introspect', asked + 1);
      expect(handled).toEqual([]);
      expect(client.answer).toBe('');
      release();
      // What waited is heard when the guard has let it in: by handlers, and in its order.
      await client.next('open');
      expect(handled.slice(0, 2)).toEqual(['connection', 'open']);
    } else {
      const client = await EngineClient.open(app.origin);
      client.join(JSON.stringify({ token: good }));
      client.send('open');
      await client.whenEnded();
      release();
      await expectService();
      expect(handled).toEqual(['connection', 'who']);
    }
  });

  it('is not heard after it was refused, whatever it goes on sending', async () => {
    const client = await openBare('bad', false);
    if (library === 'socket.io') {
      expect(await client.next('connect_error')).toMatchObject({ data: { statusCode: 401 } });
    } else {
      expect(await client.next('close')).toEqual({ code: 1008, reason: 'unauthorized' });
    }
    for (let i = 0; i < 100; i++) client.send('open');
    await client.whenEnded();
    await expectService();
    expect(handled).toEqual(['connection', 'who']);
  });

  it('is not heard after its token has ended, whatever it goes on sending', async () => {
    const client = await openBare(token({ exp: nowInSeconds() + 30 }));
    client.send('open');
    await client.next('open');
    advanceClock(31);
    expect(await client.next(library === 'ws' ? 'close' : 'exception')).toMatchObject(
      library === 'ws' ? { code: 1008, reason: 'token expired' } : { statusCode: 401 },
    );
    for (let i = 0; i < 100; i++) client.send('open');
    await client.whenEnded();
    expect(handled).toEqual(['connection', 'open']);
    expect(size()).toBe(0);
  });

  it('takes nobody and no scope from a payload', async () => {
    const client = (await openBare(token({ scope: 'chat' }))) as TestClient & {
      write?(packet: string): void;
    };
    const others = {
      token: token({ sub: 'admin', scope: 'admin' }),
      authorization: `Bearer ${token({ sub: 'admin', scope: 'admin' })}`,
      user: { sub: 'admin' },
      claims: { sub: 'admin', scope: 'admin' },
    };
    const payload = `{"__proto__":${JSON.stringify(others)},"constructor":{"prototype":${JSON.stringify(others)}},${JSON.stringify(others).slice(1)}`;
    if (client instanceof FrameClient) {
      client.socket.write(frame(1, `{"event":"who","data":${payload},${payload.slice(1)}`));
      client.socket.write(frame(1, `{"event":"admin","data":${payload},${payload.slice(1)}`));
    } else {
      client.write?.(`42["who",${payload},${payload}]`);
      client.write?.(`42["admin",${payload},${payload}]`);
    }
    expect(await client.next('who')).toMatchObject({ sub: 'user-1', scope: 'chat', same: true });
    expect(await client.next('exception')).toMatchObject({
      statusCode: 403,
      errorCode: 'insufficient_scope',
    });
    expect(handled).toEqual(['connection', 'who']);
  });

  it.each([
    ['a token of 15 KB', 15_000, 101],
    ['one of 64 KB, which Node does not read', 65_536, 431],
  ])('refuses a header with %s', async (_, length, status) => {
    const path = library === 'ws' ? '/' : '/socket.io/?EIO=4&transport=websocket';
    const forged = `${token({ padding: 'x' }).slice(0, -20)}${'A'.repeat(length)}`;
    if (status === 101) {
      const client = await openBare(forged, false);
      await client.next(library === 'ws' ? 'close' : 'connect_error');
      client.close();
    } else {
      const answered = await sendBytes(app.origin, upgradeRequest([`Authorization: Bearer ${forged}`], path));
      expect([status, 'hung up']).toContain(answered);
    }
    await expectService();
    expect(handled).toEqual(['connection', 'who']);
  });

  if (library === 'socket.io') {
    it('closes a connection that never joins a namespace', async () => {
      const client = await EngineClient.open(app.origin, { authorization: `Bearer ${token()}` });
      await client.whenEnded();
      expect(handled).toEqual([]);
    });

    it.each<[string, () => string]>([
      ['a token of 500 KB', () => JSON.stringify({ token: 'A'.repeat(500_000) })],
      ['500 KB that look like a JWT', () => JSON.stringify({ token: `${token()}${'A'.repeat(500_000)}` })],
      ['one token in a list', () => JSON.stringify({ token: [token()] })],
      ['a list', () => JSON.stringify([token()])],
      [
        'an object for a token',
        () => JSON.stringify({ token: { token: token(), length: 1, includes: true } }),
      ],
      ['a number', () => JSON.stringify({ token: 1 })],
      ['true', () => JSON.stringify({ token: true })],
      ['a token in the prototype', () => `{"__proto__":{"token":"${token()}"}}`],
      ['a token that its own prototype has', () => `{"token":{"__proto__":{"toString":"${token()}"}}}`],
      ['a member in another case', () => JSON.stringify({ Token: token(), TOKEN: token() })],
      ['white space around it', () => JSON.stringify({ token: ` ${token()}\n` })],
      ['two tokens and a comma', () => JSON.stringify({ token: `${token()},${token()}` })],
      ['the token twice, and a bad one last', () => `{"token":"${token()}","token":"bad"}`],
      ['what a session would bring', () => JSON.stringify({ pid: 'a', offset: 'b', sid: 'c' })],
      ['nothing at all', () => ''],
      ['null', () => 'null'],
    ])('refuses %s as auth', async (_, auth) => {
      const client = await EngineClient.open(app.origin);
      client.join(auth());
      await Promise.race([client.next('connect_error').catch(() => undefined), client.whenEnded()]);
      expect(client.received.map(({ event }) => event)).not.toContain('connected');
      expect(handled).toEqual([]);
    });
  }
});
