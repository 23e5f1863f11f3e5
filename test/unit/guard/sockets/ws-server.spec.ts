/** A server of `ws` knows of a client only once it is admitted; who is rejected gets an answer that a browser can read. */
import { jest } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { attachHandshake, handshakeOf } from '../../../../lib/credentials/socket-handshake.js';
import { invalidToken } from '../../../../lib/errors/auth.errors.js';
import type { Admissions } from '../../../../lib/guard/sockets/admission.js';
import { connectionOf, type Connection } from '../../../../lib/guard/sockets/connection.js';
import { guardUpgrades, isWsServer, type WsServer } from '../../../../lib/guard/sockets/ws-server.js';
import type { SocketRefusal } from '../../../../lib/transport/ws.transport.js';

const MARK = Symbol('found out by the guard');

class Socket extends EventEmitter {
  readonly written: Buffer[] = [];
  destroyed = false;
  isRead = false;
  isEnded = false;
  write(data: string | Buffer): void {
    this.written.push(Buffer.from(data));
  }
  end(data: string | Buffer): void {
    this.write(data);
    this.isEnded = true;
  }
  resume(): void {
    this.isRead = true;
  }
  destroy(): void {
    this.destroyed = true;
  }
  get text(): string {
    return Buffer.concat(this.written).toString('latin1');
  }
}

class Client extends EventEmitter {
  readonly seen: unknown[] = [];
  close(...how: unknown[]): void {
    this.seen.push(['close', ...how]);
  }
  terminate(): void {
    this.seen.push('terminate');
  }
}

class Server extends EventEmitter {
  readonly client = new Client();
  readonly upgraded: unknown[][] = [];
  handleUpgrade(...args: unknown[]): void {
    this.upgraded.push(args.slice(0, 3));
    (args[3] as (...given: unknown[]) => void)(this.client, 'more');
  }
}

const refusal = (statusCode: SocketRefusal['statusCode'], message = 'unauthorized'): SocketRefusal => ({
  status: 'error',
  statusCode,
  message,
  errorCode: 'code',
});

interface Sent {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly method?: string;
}

/** RFC 6455 section 1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

describe('guardUpgrades', () => {
  const head = Buffer.from('head');
  function setUp(decide: (connection: Connection, client: object) => unknown) {
    const [server, socket] = [new Server(), new Socket()];
    const seen: unknown[] = [];
    const admissions: Admissions = {
      place: { name: '/chat', keepsRequest: false } as never,
      refusalOf: async (connection, client) =>
        (await decide(connection, client)) as SocketRefusal | undefined,
      opened: (client, connection) => seen.push(['opened', client, connection]),
      closed: (connection) => seen.push(['closed', connection]),
      failed: (error) => seen.push(['failed', error]),
    };
    guardUpgrades(server as unknown as WsServer, admissions);
    const upgrade = async ({ headers = {}, method = 'GET' }: Sent = {}) => {
      const all = { 'sec-websocket-key': KEY, 'sec-websocket-version': '13', ...headers };
      const given = Object.entries(all).filter(([, value]) => value !== undefined);
      const request = { method, headers: Object.fromEntries(given), rawHeaders: given.flat() };
      const done: unknown[] = [];
      server.handleUpgrade(request, socket, head, (...args: unknown[]) => done.push(args));
      await nextTurn();
      return { request, done };
    };
    return { server, socket, seen, upgrade };
  }

  it('hands over a client that is admitted, with what the guard found out, and tells of its end', async () => {
    let decided: Connection | undefined;
    const { server, socket, seen, upgrade } = setUp((connection, client) => {
      decided = connection;
      expect(server.upgraded).toEqual([]);
      Object.assign(client, { [MARK]: 1 });
      return undefined;
    });
    const { request, done } = await upgrade();
    expect(server.upgraded).toEqual([[request, socket, head]]);
    expect(done).toEqual([[server.client, 'more']]);
    expect((server.client as unknown as Record<symbol, unknown>)[MARK]).toBe(1);
    expect(seen).toEqual([['opened', server.client, decided]]);
    expect(decided?.params).toEqual({ kind: 'ws' });
    expect(socket.listenerCount('error')).toBe(0);
    expect(socket.written).toEqual([]);
  });

  it('tells of the end of a client that carries its connection', async () => {
    const { server, seen, upgrade } = setUp((connection, client) => attachHandshake(client, connection));
    await upgrade();
    const connection = connectionOf(server.client);
    expect(handshakeOf(server.client)).toBe(connection);
    server.client.emit('close');
    expect(seen.at(-1)).toEqual(['closed', connection]);
    // One that carries none is nobody's.
    const other = setUp(() => undefined);
    await other.upgrade();
    other.server.client.emit('close');
    expect(other.seen).toHaveLength(1);
  });

  it('destroys the socket, and tells of it, where the decision fails', async () => {
    const error = new Error('boom');
    const { server, socket, seen, upgrade } = setUp(() => Promise.reject(error));
    await upgrade();
    expect(seen).toEqual([['failed', error]]);
    expect([socket.destroyed, server.upgraded]).toEqual([true, []]);
  });

  it.each<[string, SocketRefusal | undefined]>([
    ['admitted', undefined],
    ['rejected', refusal(401)],
  ])('does nothing with a client that left before it was %s', async (_, answer) => {
    const { server, socket, seen, upgrade } = setUp(() => {
      socket.emit('error', new Error('reset'));
      return answer;
    });
    await upgrade();
    expect(socket.destroyed).toBe(true);
    expect([server.upgraded, socket.written, seen]).toEqual([[], [], []]);
  });

  it.each<[SocketRefusal, number, string]>([
    [refusal(401), 1008, 'unauthorized'],
    [refusal(400, 'bad request'), 1008, 'unauthorized'],
    [refusal(403, 'forbidden'), 1008, 'forbidden'],
    [refusal(500, 'internal server error'), 1011, 'internal server error'],
    [refusal(503, 'service unavailable'), 1013, 'service unavailable'],
  ])('completes the handshake of a client that is rejected, and closes: %j', async (answer, code, reason) => {
    const { server, socket, upgrade } = setUp(() => answer);
    await upgrade();
    const frame = `\x88${String.fromCharCode(reason.length + 2, code >> 8, code & 0xff)}${reason}`;
    expect(socket.text).toBe(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n${frame}`,
    );
    expect([socket.isEnded, socket.isRead, server.upgraded]).toEqual([true, true, []]);
    expect(() => socket.emit('error', new Error('reset'))).not.toThrow();
    expect(socket.destroyed).toBe(true);
  });

  it.each<[string, Sent]>([
    ['without a key', { headers: { 'sec-websocket-key': undefined } }],
    ['with a bad key', { headers: { 'sec-websocket-key': `x${KEY}` } }],
    ['with a key and more', { headers: { 'sec-websocket-key': `${KEY}x` } }],
    ['of another version', { headers: { 'sec-websocket-version': '12' } }],
    ['of a version that only begins so', { headers: { 'sec-websocket-version': '130' } }],
    ['of a version that only ends so', { headers: { 'sec-websocket-version': '113' } }],
    ['without a version', { headers: { 'sec-websocket-version': undefined } }],
    ['by another method', { method: 'POST' }],
  ])('answers a rejected request %s with 400', async (_, sent) => {
    const { socket, upgrade } = setUp(() => refusal(401));
    await upgrade(sent);
    expect(socket.text).toBe('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    expect([socket.isEnded, socket.isRead]).toEqual([true, true]);
  });

  it('accepts the older version of the protocol', async () => {
    const { socket, upgrade } = setUp(() => refusal(401));
    await upgrade({ headers: { 'sec-websocket-version': '8' } });
    expect(socket.text).toMatch(/^HTTP\/1\.1 101 /);
  });

  it.each<[string, string | undefined]>([
    ['chat, bearer, a-token', 'bearer'],
    ['bearer, a-token', 'bearer'],
    ['chat, more', 'chat'],
    ['x'.repeat(64), 'x'.repeat(64)],
    ['x'.repeat(65), undefined],
  ])('answers a rejected client that offers %s with a subprotocol', async (offered, expected) => {
    const { socket, upgrade } = setUp(() => refusal(401));
    await upgrade({ headers: { 'sec-websocket-protocol': offered } });
    expect(/Sec-WebSocket-Protocol: (.*)\r\n/.exec(socket.text)?.[1]).toBe(expected);
  });

  it('sends the headers of the rejection, one line each', async () => {
    const { socket, upgrade } = setUp((connection) => {
      connection.answerHeaders?.set('WWW-Authenticate', ['Bearer', 'DPoP']);
      connection.answerHeaders?.set('Retry-After', '5');
      return refusal(401);
    });
    await upgrade();
    expect(socket.text).toContain(
      '\r\nWWW-Authenticate: Bearer\r\nWWW-Authenticate: DPoP\r\nRetry-After: 5\r\n\r\n',
    );
  });

  it('cuts off a rejected client that does not leave', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const [staying, leaving] = [setUp(() => refusal(401)), setUp(() => refusal(401))];
      await staying.upgrade();
      await leaving.upgrade();
      leaving.socket.emit('close');
      jest.advanceTimersByTime(1999);
      expect(staying.socket.destroyed).toBe(false);
      jest.advanceTimersByTime(1);
      expect([staying.socket.destroyed, leaving.socket.destroyed]).toEqual([true, false]);
    } finally {
      jest.useRealTimers();
    }
  });

  it('closes a client whose token ends, and cuts it off where it does not leave', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      for (const leaves of [false, true]) {
        let connection: Connection | undefined;
        const { server, upgrade } = setUp((decided) => void (connection = decided));
        await upgrade();
        connection?.open(server.client, { open: () => undefined } as never);
        connection?.end(invalidToken('expired', 'for the test'));
        expect(server.client.seen).toEqual([['close', 1008, 'token expired']]);
        if (leaves) server.client.emit('close');
        jest.advanceTimersByTime(2000);
        expect(server.client.seen.includes('terminate')).toBe(!leaves);
      }
    } finally {
      jest.useRealTimers();
    }
  });

  describe('the headers of the answer to a client that is admitted', () => {
    const answered = async (offered: string | undefined, headers: string[], extra?: [string, string]) => {
      const { server, upgrade } = setUp((connection) => {
        if (extra) connection.answerHeaders?.set(...extra);
      });
      const { request } = await upgrade({ headers: { 'sec-websocket-protocol': offered } });
      server.emit('headers', headers, request);
      return headers;
    };

    it.each<[string | undefined, string[], string[]]>([
      [undefined, ['A: b'], ['A: b']],
      ['chat', ['Sec-WebSocket-Protocol: chat'], ['Sec-WebSocket-Protocol: chat']],
      ['bearer, token', ['A: b'], ['A: b', 'Sec-WebSocket-Protocol: bearer']],
      ['bearer, token', ['sec-websocket-protocol:token', 'A: b'], ['Sec-WebSocket-Protocol: bearer', 'A: b']],
      ['bearer, token', ['Sec-WebSocket-Protocol: bearer'], ['Sec-WebSocket-Protocol: bearer']],
      ['chat, bearer, token', ['Sec-WebSocket-Protocol: chat'], ['Sec-WebSocket-Protocol: chat']],
      [
        'chat, bearer, token',
        ['X-Sec-WebSocket-Protocol: a'],
        ['X-Sec-WebSocket-Protocol: a', 'Sec-WebSocket-Protocol: bearer'],
      ],
    ])('never name the token: for %p of %j', async (offered, headers, expected) => {
      expect(await answered(offered, headers)).toEqual(expected);
    });

    it('are those of the guard, too', async () => {
      expect(await answered(undefined, ['A: b'], ['DPoP-Nonce', 'n'])).toEqual(['A: b', 'DPoP-Nonce: n']);
      const { server } = setUp(() => undefined);
      const headers: string[] = [];
      server.emit('headers', headers, { headers: {}, rawHeaders: [] });
      expect(headers).toEqual([]);
    });
  });
});

it('a server of ws is what handles upgrades', () => {
  expect(isWsServer({ handleUpgrade: () => undefined })).toBe(true);
  expect(isWsServer(Object.assign(() => undefined, { handleUpgrade: () => undefined }))).toBe(true);
  for (const other of [undefined, null, 'text', {}, { handleUpgrade: true }])
    expect(isWsServer(other)).toBe(false);
});
