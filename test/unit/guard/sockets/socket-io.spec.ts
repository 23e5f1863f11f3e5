/** A namespace of socket.io has a client only once it is admitted; sessions are given back to the same caller only. */
import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { attachHandshake } from '../../../../lib/credentials/socket-handshake.js';
import { ConfigurationError, invalidToken } from '../../../../lib/errors/auth.errors.js';
import type { Admissions } from '../../../../lib/guard/sockets/admission.js';
import type { Connection } from '../../../../lib/guard/sockets/connection.js';
import { guardNamespace, namespaceOf, type IoNamespace } from '../../../../lib/guard/sockets/socket-io.js';
import type { SocketRefusal } from '../../../../lib/transport/ws.transport.js';
import { loggedLines } from '../../../support/no-secrets-in-output.js';
import '../../../support/output-logger.js';

const REFUSED: SocketRefusal = {
  status: 'error',
  statusCode: 401,
  message: 'unauthorized',
  errorCode: 'invalid_token',
};
const TOLD = { statusCode: 401, message: 'unauthorized', errorCode: 'invalid_token' };

class Adapter {
  readonly sessions = new Map<string, { readonly sid: string }>();
  persistSession(session: { readonly sid: string }): void {
    this.sessions.set(session.sid, session);
  }
  restoreSession(pid: string): Promise<{ readonly sid: string } | undefined> {
    return Promise.resolve(this.sessions.get(pid));
  }
}

/** As much of a namespace as is used; `_add` is what socket.io calls for each client. */
class Namespace extends EventEmitter {
  readonly name = '/chat';
  readonly sockets = new Map<string, object>();
  adapter = new Adapter();
  children: Set<object> | undefined;
  readonly added: unknown[] = [];
  readonly middlewares: ((socket: object, next: (error?: Error) => void) => void)[] = [];
  _add: unknown = (
    client: unknown,
    auth: { readonly pid?: string },
    done: (socket: object) => void,
  ): unknown => {
    this.added.push([client, auth]);
    this.restored = auth.pid === undefined ? undefined : this.adapter.restoreSession(auth.pid);
    done(this.next);
    return 'added';
  };
  next: object = {};
  restored: Promise<unknown> | undefined;
  constructor(readonly server: object) {
    super();
  }
  use(middleware: Namespace['middlewares'][number]): void {
    this.middlewares.push(middleware);
  }
}

class Socket extends EventEmitter {
  readonly seen: unknown[] = [];
  readonly handshake = { auth: { token: 'a' } };
  constructor(
    readonly client: { readonly request?: object; readonly sockets?: { readonly size: number } } = {
      request: { headers: { host: 'a' }, rawHeaders: ['host', 'a'] },
      sockets: { size: 1 },
    },
  ) {
    super();
  }
  disconnect(close?: boolean): void {
    this.seen.push(['disconnect', close]);
  }
  override emit(event: string, ...args: unknown[]): boolean {
    if (event === 'exception') this.seen.push([event, ...args]);
    return super.emit(event, ...args);
  }
}

function setUp(decide: (connection: Connection, client: object) => unknown, opts: object = {}) {
  const root = new EventEmitter();
  const namespace = new Namespace({ opts, sockets: root });
  const seen: unknown[] = [];
  const admissions: Admissions = {
    place: { name: '/chat', keepsRequest: true } as never,
    refusalOf: async (connection, client) => {
      attachHandshake(client, connection);
      return (await decide(connection, client)) as SocketRefusal | undefined;
    },
    opened: (client, connection) => seen.push(['opened', client, connection]),
    closed: (connection) => seen.push(['closed', connection]),
    failed: (error) => seen.push(['failed', error]),
  };
  const guard = (): void => guardNamespace(namespace as unknown as IoNamespace, admissions);
  const ask = async (socket: object): Promise<unknown> => {
    const answers: unknown[] = [];
    namespace.middlewares[0]?.(socket, (...error) => answers.push(...error));
    await nextTurn();
    expect(answers).toHaveLength(1);
    return answers[0];
  };
  return { root, namespace, seen, guard, ask };
}

describe('guardNamespace', () => {
  it('lets a client in, and tells of its beginning and its end', async () => {
    let decided: Connection | undefined;
    const { namespace, seen, guard, ask } = setUp((connection) => void (decided = connection));
    guard();
    const socket = new Socket();
    expect(await ask(socket)).toBeUndefined();
    expect(decided?.params).toEqual({ kind: 'socket.io', auth: socket.handshake.auth });
    expect(decided?.request.headers['host']).toBe('a');
    expect(decided?.sender).toBe(socket.client);
    namespace.emit('connection', socket);
    expect(seen).toEqual([['opened', socket, decided]]);
    socket.emit('disconnecting');
    expect(seen.at(-1)).toEqual(['closed', decided]);
  });

  it('reads an empty request over WebTransport, which has none', async () => {
    let decided: Connection | undefined;
    const { guard, ask } = setUp((connection) => void (decided = connection));
    guard();
    await ask(new Socket({}));
    expect(decided?.request).toEqual({ headers: {} });
  });

  it('tells a client that is rejected', async () => {
    const { guard, ask } = setUp(() => REFUSED);
    guard();
    expect(await ask(new Socket())).toMatchObject({ message: 'unauthorized', data: TOLD });
  });

  it('rejects a client where the decision fails, and tells of it', async () => {
    const error = new Error('boom');
    const { seen, guard, ask } = setUp(() => Promise.reject(error));
    guard();
    const told = await ask(new Socket());
    expect(told).toBeInstanceOf(Error);
    expect((told as Error).message).toBe('internal server error');
    expect(seen).toEqual([['failed', error]]);
  });

  it('disconnects a client that nobody has decided on', () => {
    const { namespace, seen, guard } = setUp(() => undefined);
    guard();
    const socket = new Socket();
    namespace.emit('connection', socket);
    expect([socket.seen, seen, socket.listenerCount('disconnecting')]).toEqual([
      [['disconnect', true]],
      [],
      0,
    ]);
  });

  it('does not tell of the end of what is no client any more', async () => {
    const { namespace, seen, guard, ask } = setUp(() => undefined);
    guard();
    const socket = new Socket();
    await ask(socket);
    namespace.emit('connection', socket);
    attachHandshake(socket, undefined as never);
    expect(() => socket.emit('disconnecting')).not.toThrow();
    expect(seen).toHaveLength(1);
  });

  describe('a client whose token ends', () => {
    const end = async (socket: Socket): Promise<void> => {
      let decided: Connection | undefined;
      const { guard, ask } = setUp((connection) => void (decided = connection));
      guard();
      await ask(socket);
      decided?.open(socket, { open: () => undefined } as never);
      decided?.end(invalidToken('expired', 'for the test'));
    };

    it('is told, and disconnected; its connection goes with its last namespace', async () => {
      for (const [size, closes] of [
        [1, true],
        [2, false],
      ] as const) {
        const socket = new Socket({ sockets: { size } });
        await end(socket);
        expect(socket.seen).toEqual([
          ['exception', { status: 'error', ...TOLD }],
          ['disconnect', closes],
        ]);
      }
      const alone = new Socket({});
      await end(alone);
      expect(alone.seen.at(-1)).toEqual(['disconnect', false]);
    });

    it('is disconnected also where a listener of the application fails', async () => {
      const socket = new Socket();
      socket.on('exception', () => {
        throw new Error('of the application');
      });
      await end(socket);
      expect(socket.seen.at(-1)).toEqual(['disconnect', true]);
      expect(loggedLines().join('\n')).toContain('a client was not told that its token ended');
    });
  });
});

describe('a session that is recovered', () => {
  const RECOVERING = { connectionStateRecovery: {} };
  const ALICE = { iss: 'https://issuer.example', sub: 'alice', client_id: 'web' };
  const withToken = (connection: Connection, claims: object | undefined): void => {
    if (claims) connection.admit({ claims, issuer: {}, token: 'a' } as never, 0, {} as never);
  };

  /** What the next client gets of a session that a client with these claims has left. */
  async function recover(
    left: object | undefined,
    asking: object | undefined,
    { auth = { pid: 'sid' } as object, refused = undefined as SocketRefusal | undefined } = {},
  ) {
    let claims = left;
    const { namespace, guard, ask } = setUp((connection) => {
      withToken(connection, claims);
      return claims === asking ? refused : undefined;
    }, RECOVERING);
    guard();
    const add = namespace._add as (
      client: object,
      given: unknown,
      done: (socket: object) => void,
    ) => Promise<unknown>;
    const [packets, done]: [unknown[], unknown[]] = [[], []];
    const client = { _packet: (packet: unknown) => packets.push(packet) };
    await add(client, {}, () => undefined);
    const socket = new Socket();
    await ask(socket);
    namespace.sockets.set('sid', socket);
    namespace.adapter.persistSession({ sid: 'sid' });
    claims = asking;
    namespace.next = {};
    const answer = await add(client, auth, (made) => done.push(made));
    const session = await namespace.restored;
    return { namespace, packets, done, answer, session };
  }

  it('is that of the same caller', async () => {
    const { session, answer, done, namespace } = await recover({ ...ALICE }, { ...ALICE });
    expect(session).toMatchObject({ sid: 'sid' });
    expect(answer).toBe('added');
    expect(done).toEqual([namespace.next]);
    const anonymous = await recover(undefined, undefined);
    expect(anonymous.session).toMatchObject({ sid: 'sid' });
  });

  it.each<[string, object | undefined, object | undefined]>([
    ['another subject', ALICE, { ...ALICE, sub: 'bob' }],
    ['another client', ALICE, { ...ALICE, client_id: 'cli' }],
    ['another issuer', ALICE, { ...ALICE, iss: 'https://other.example' }],
    ['nobody', ALICE, undefined],
    ['somebody, where it was anonymous', undefined, ALICE],
    ['a caller that is not named, nor the one before', { iss: 'a' }, { iss: 'a', aud: 'b' }],
    ['a caller that has no subject', ALICE, { ...ALICE, sub: undefined }],
    ['a caller that has no client', ALICE, { ...ALICE, client_id: undefined }],
  ])('is not that of %s', async (_, left, asking) => {
    const { session } = await recover(left, asking);
    expect(session).toBeUndefined();
  });

  it.each([{ sub: 'alice' }, { client_id: 'web' }])(
    'is that of a caller that is known by %j alone',
    async (claims) => {
      const { session } = await recover({ ...claims }, { ...claims });
      expect(session).toMatchObject({ sid: 'sid' });
    },
  );

  it('is not given to a client that is rejected, which is told', async () => {
    const { namespace, packets, done } = await recover(ALICE, { ...ALICE, sub: 'bob' }, { refused: REFUSED });
    expect(packets).toEqual([{ type: 4, nsp: '/chat', data: { message: 'unauthorized', data: TOLD } }]);
    expect(done).toEqual([]);
    expect(namespace.added).toHaveLength(1);
  });

  it('is not asked for by a client without one: it is decided on by the middleware', async () => {
    for (const auth of [{}, { pid: 7 }]) {
      const { namespace, session } = await recover(ALICE, { ...ALICE }, { auth });
      expect(namespace.added).toHaveLength(2);
      expect(session).toBeUndefined();
    }
  });

  it('does not exist where none was left', async () => {
    const { session } = await recover(ALICE, { ...ALICE }, { auth: { pid: 'another' } });
    expect(session).toBeUndefined();
  });

  it('is asked for by nobody who is not being added', async () => {
    const { namespace } = await recover({ ...ALICE }, { ...ALICE });
    expect(await namespace.adapter.restoreSession('sid')).toBeUndefined();
  });

  it('is guarded of an adapter that comes later, too', async () => {
    const { namespace } = await recover(undefined, undefined);
    const later = (namespace.adapter = new Adapter());
    const own = later.persistSession;
    const add = namespace._add as (client: object, given: unknown, done: () => void) => unknown;
    await add({}, {}, () => undefined);
    expect(later.persistSession).not.toBe(own);
  });

  it('is not guarded where there is none', () => {
    const { namespace, guard } = setUp(() => undefined);
    const add = namespace._add;
    guard();
    expect(namespace._add).toBe(add);
  });

  it('stops the start where this socket.io is built differently', () => {
    const { namespace, guard } = setUp(() => undefined, RECOVERING);
    namespace._add = undefined;
    expect(guard).toThrow(ConfigurationError);
    expect(guard).toThrow(
      'connectionStateRecovery of this version of socket.io cannot be guarded; leave it out',
    );
  });

  it('of a pattern is guarded in each namespace that fits it, when it is made', () => {
    const { root, namespace, guard } = setUp(() => undefined, RECOVERING);
    const [child, other] = [new Namespace(namespace.server), new Namespace(namespace.server)];
    const [own, ofChild, ofOther] = [namespace._add, child._add, other._add];
    namespace.children = new Set([child]);
    guard();
    for (const made of [child, other]) root.emit('new_namespace', made);
    expect(namespace._add).toBe(own);
    expect(child._add).not.toBe(ofChild);
    expect(other._add).toBe(ofOther);
  });
});

describe('namespaceOf', () => {
  it('is the main one of a server, and a namespace itself', () => {
    const server = { of: () => undefined, sockets: { use: () => undefined } };
    expect(namespaceOf(server)).toBe(server.sockets);
    const namespace = { use: () => undefined, name: '/chat', server };
    expect(namespaceOf(namespace)).toBe(namespace);
  });

  it('is none of what is of no socket.io', () => {
    const use = (): void => undefined;
    for (const other of [
      {},
      { of: use },
      { of: use, sockets: null },
      { of: use, sockets: { use: 'none' } },
      { of: 'none', sockets: { use } },
      { use, name: '/chat' },
      { use, server: {} },
      { name: '/chat', server: {} },
    ])
      expect(namespaceOf(other)).toBeUndefined();
  });
});
