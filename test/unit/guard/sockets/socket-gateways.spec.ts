/** The servers of gateways are guarded as Nest's adapter makes them, whatever the adapter is, or the start is stopped. */
import 'reflect-metadata';
import type { CanActivate } from '@nestjs/common';
import type { ApplicationConfig, ModuleRef, ModulesContainer } from '@nestjs/core';
import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Scopes } from '../../../../lib/access/requirements/scopes.js';
import { attachHandshake } from '../../../../lib/credentials/socket-handshake.js';
import { SocketMessage } from '../../../../lib/credentials/socket-message.js';
import { ConfigurationError } from '../../../../lib/errors/auth.errors.js';
import { AuthGuard } from '../../../../lib/guard/auth.guard.js';
import type { GuardCoverage } from '../../../../lib/guard/guard-coverage.js';
import { Connection, connectionOf } from '../../../../lib/guard/sockets/connection.js';
import { policyOf } from '../../../../lib/guard/sockets/handshake.js';
import { guardsGateways, SocketGateways } from '../../../../lib/guard/sockets/socket-gateways.js';
import { OpenStreams } from '../../../../lib/guard/streams/open-streams.js';
import { RESOLVED_OPTIONS } from '../../../../lib/options/resolved-options.token.js';
import { OptionalAuth } from '../../../../lib/policy/optional-auth.decorator.js';
import { Public } from '../../../../lib/policy/public.decorator.js';
import { principalOf } from '../../../../lib/principal/authenticated-request.js';
import { loggedLines } from '../../../support/no-secrets-in-output.js';
import '../../../support/output-logger.js';

class TestConnection extends Connection {
  protected disconnect(): void {}
}
type Class = new () => object;
interface Where {
  readonly port?: number;
  readonly path?: string;
  readonly namespace?: string;
}

/** A gateway class of its own each time: what stands on classes stays. */
function makeGateway({ port, ...options }: Where = {}, ...decorators: readonly ClassDecorator[]): Class {
  class Chat {
    send(): void {}
  }
  Reflect.defineMetadata('websockets:message_mapping', true, Chat.prototype.send);
  Reflect.defineMetadata('message', 'send', Chat.prototype.send);
  for (const [key, value] of [
    ['websockets:is_gateway', true],
    ['port', port],
    ['websockets:gateway_options', options],
  ] as const)
    Reflect.defineMetadata(key, value, Chat);
  for (const decorate of decorators) decorate(Chat);
  return Chat;
}

class WsServer extends EventEmitter {
  handleUpgrade: unknown = (
    _request: object,
    _socket: object,
    _head: object,
    done: (client: object) => void,
  ) => done(this.client);
  readonly client = Object.assign(new EventEmitter(), {
    sent: [] as string[],
    send: (data: string) => this.client.sent.push(data),
  });
}

interface Settings {
  readonly isGlobal?: boolean;
  readonly isLocal?: (classRef: unknown, handler: unknown) => boolean;
  /** Nest 12 runs global guards for gateways by itself. */
  readonly isNest12?: boolean;
  readonly answer?: boolean;
  readonly options?: object;
}

function setUp(gateways: readonly Class[], settings: Settings = {}) {
  const { isGlobal = true, isLocal = () => false, isNest12 = true, answer = true, options = {} } = settings;
  const asked: [place: string, access: string][] = [];
  const guard: CanActivate = {
    canActivate: (context) => {
      asked.push([context.getClass().name, policyOf(context).access]);
      return answer;
    },
  };
  const streams = new OpenStreams({ clockSkew: 0, clockTolerance: 0 });
  const provided = new Map<unknown, unknown>([
    [AuthGuard, guard],
    [OpenStreams, streams],
    [RESOLVED_OPTIONS, { userProperty: 'user', ...options }],
  ]);
  const bound: { readonly message: unknown; readonly callback: (...args: unknown[]) => unknown }[] = [];
  const made = { server: new WsServer() as object };
  const adapter = {
    created: [] as unknown[],
    create: (...args: unknown[]) => {
      adapter.created.push(args);
      return made.server;
    },
    bindMessageHandlers: (_client: object, handlers: typeof bound, transform: unknown) => {
      bound.splice(0, bound.length, ...handlers);
      return transform;
    },
  };
  const config = {
    getIoAdapter: (): unknown => adapter,
    ...(isNest12 && { getGlobalPreRequestHooks: () => [] }),
  };
  const wrappers = gateways.map((metatype, index) => {
    const wrapper = { metatype, instance: new metatype(), isNotMetatype: false };
    return [String(index), wrapper] as const;
  });
  const modules = new Map([['', { providers: new Map(wrappers) }]]) as unknown as ModulesContainer;
  const sockets = new SocketGateways(
    { get: (token: unknown) => provided.get(token) } as unknown as ModuleRef,
    config as unknown as ApplicationConfig,
    modules,
    { isGlobal, isLocal } as unknown as GuardCoverage,
  );
  /** As Nest does it for a gateway. */
  const create = (port = 0, where?: Where, server: object = new WsServer()): object => {
    made.server = server;
    return (config.getIoAdapter() as typeof adapter).create(port, where);
  };
  const connect = async (
    server: object,
  ): Promise<{ readonly client?: object; readonly isDestroyed: boolean }> => {
    let client: object | undefined;
    const request = { method: 'GET', headers: {}, rawHeaders: [] };
    const socket = Object.assign(new EventEmitter(), {
      destroyed: false,
      destroy: () => (socket.destroyed = true),
      end: () => undefined,
      resume: () => undefined,
    });
    const { handleUpgrade } = server as { handleUpgrade(...args: unknown[]): void };
    handleUpgrade.call(server, request, socket, Buffer.alloc(0), (each: object) => (client = each));
    await nextTurn();
    return { ...(client && { client }), isDestroyed: socket.destroyed };
  };
  return { adapter, asked, bound, config, connect, create, sockets, streams };
}

describe('a server of gateways', () => {
  it('asks the guard for each client', async () => {
    const { adapter, asked, connect, create } = setUp([makeGateway()]);
    const where = { path: '/' };
    const server = create(0, where);
    expect(adapter.created).toEqual([[0, where]]);
    const { client } = await connect(server);
    expect(asked).toEqual([['Chat', 'protected']]);
    expect(connectionOf(client)?.isOpen).toBe(true);
  });

  it('has no client that the guard does not admit', async () => {
    const { connect, create } = setUp([makeGateway()], { answer: false });
    expect((await connect(create())).client).toBeUndefined();
  });

  it('is guarded once, also where Nest asks for the adapter again', async () => {
    const { asked, connect, create, config } = setUp([makeGateway()]);
    const server = new WsServer();
    config.getIoAdapter();
    for (let time = 0; time < 2; time++) create(0, undefined, server);
    await connect(server);
    expect(asked).toHaveLength(1);
  });

  it('is left alone where no gateway listens, or none is guarded', () => {
    const isUntouched = (
      gateways: readonly Class[],
      port: number,
      where: Where,
      settings?: Settings,
    ): boolean => {
      const server = new WsServer();
      const { handleUpgrade } = server;
      setUp(gateways, settings).create(port, where, server);
      return server.handleUpgrade === handleUpgrade;
    };
    expect(isUntouched([], 0, {})).toBe(true);
    expect(isUntouched([makeGateway()], 0, {})).toBe(false);
    expect(isUntouched([makeGateway()], 1, {})).toBe(true);
    expect(isUntouched([makeGateway()], 0, { path: '/other' })).toBe(true);
    expect(isUntouched([makeGateway({ port: 1, path: '/events' })], 1, { path: 'events/' })).toBe(false);
    expect(isUntouched([makeGateway()], 0, {}, { isGlobal: false })).toBe(true);
  });

  it('of another kind stops the start, unless everything there is public', () => {
    const start = (...decorators: readonly ClassDecorator[]) => {
      const { create } = setUp([makeGateway({}, ...decorators)]);
      return (): unknown => create(0, undefined, {});
    };
    expect(start()).toThrow(ConfigurationError);
    expect(start()).toThrow(
      'the server of Chat is neither socket.io nor ws, so clients would connect without a token',
    );
    expect(start(OptionalAuth())).toThrow(ConfigurationError);
    expect(start(Public())).not.toThrow();
    class Mixed {
      @Scopes('a') send(): void {}
    }
    for (const key of Reflect.getMetadataKeys(makeGateway()))
      Reflect.defineMetadata(key, Reflect.getMetadata(key, makeGateway()), Mixed);
    Reflect.defineMetadata('websockets:message_mapping', true, Mixed.prototype.send);
    Public()(Mixed);
    const { create } = setUp([Mixed]);
    expect(() => create(0, undefined, {})).toThrow(ConfigurationError);
  });

  it('of socket.io is guarded by its namespace', () => {
    const { create } = setUp([makeGateway()]);
    const used: unknown[] = [];
    const sockets = { use: (each: unknown) => used.push(each), on: () => undefined, name: '/', server: {} };
    const server = { of: () => sockets, sockets };
    for (let time = 0; time < 2; time++) create(0, undefined, server);
    expect(used).toHaveLength(1);
  });

  it('tells of a decision that failed', async () => {
    const { connect, create, streams } = setUp([makeGateway()]);
    const server = create();
    streams.open = () => {
      throw new Error('boom');
    };
    Object.assign(server, { client: undefined });
    expect(await connect(server)).toEqual({ isDestroyed: true });
    expect(loggedLines().join('\n')).toContain('/: a client was rejected because of an internal error');
  });
});

describe('a client that is closed', () => {
  it.each<[string, object, string[]]>([
    ['is what it was before', {}, ['user']],
    ['without its user, where loadUser loads it', { loadUser: () => 'a row' }, []],
  ])('%s, for what comes after', async (_, options, names) => {
    const { connect, create, streams } = setUp([makeGateway()], { options });
    const server = create();
    const { client } = (await connect(server)) as { readonly client: EventEmitter };
    const connection = connectionOf(client);
    connection?.admit({ claims: { sub: 'user-1' }, issuer: {}, token: 'a' } as never, 0, streams);
    expect(principalOf(client)).toBeUndefined();
    client.emit('close');
    expect(principalOf(client)).toBe(connection?.token);
    expect(['user'].filter((name) => name in client)).toEqual(names);
    expect([connection?.isOpen, streams.size]).toEqual([false, 0]);
  });

  it('stays anonymous', async () => {
    const { connect, create } = setUp([makeGateway()]);
    const { client } = (await connect(create())) as { readonly client: EventEmitter };
    client.emit('close');
    expect(principalOf(client)).toBeUndefined();
    expect(connectionOf(client)?.isOpen).toBe(false);
  });
});

describe('messages', () => {
  it('are told apart on a client that was admitted, and left alone on another', () => {
    const { bound, config } = setUp([makeGateway()]);
    const adapter = config.getIoAdapter() as {
      bindMessageHandlers(client: object, handlers: unknown, transform: unknown): unknown;
    };
    const seen: unknown[][] = [];
    const handler = { message: 'send', callback: (...args: unknown[]) => seen.push(args) };
    const client = {};
    expect(adapter.bindMessageHandlers(client, [handler], 'transform')).toBe('transform');
    expect(bound).toEqual([handler]);
    attachHandshake(client, new TestConnection({} as never, { headers: {} }, { kind: 'ws' }));
    adapter.bindMessageHandlers(client, [handler], 'transform');
    expect(bound[0]?.message).toBe('send');
    bound[0]?.callback('data', 'ack');
    bound[0]?.callback('data', 'ack');
    expect(seen).toEqual(Array.from({ length: 2 }, () => ['data', 'ack', expect.any(SocketMessage)]));
    expect(seen[0]?.[2]).not.toBe(seen[1]?.[2]);
  });

  it.each([
    ['12, which runs global guards for them', true, true, 0],
    ['11, which runs none', false, true, 1],
    ['11, without a global guard', false, false, 0],
  ])('have the guard on their class on Nest %s', (_, isNest12, isGlobal, guards) => {
    const Chat = makeGateway();
    const { config } = setUp([Chat], { isNest12, isGlobal });
    for (let time = 0; time < 2; time++) config.getIoAdapter();
    expect((Reflect.getMetadata('__guards__', Chat) as unknown[] | undefined) ?? []).toHaveLength(guards);
    expect(Reflect.getMetadata('__interceptors__', Chat)).toHaveLength(1);
  });

  it('of a client of ws are answered with rejections on Nest 11 only', async () => {
    for (const isNest12 of [true, false]) {
      const { connect, create } = setUp([makeGateway()], { isNest12 });
      const { client } = (await connect(create())) as { readonly client: EventEmitter };
      expect(client.listenerCount('exception')).toBe(isNest12 ? 0 : 1);
    }
  });

  it('an application without an adapter has none', () => {
    const { config } = setUp([makeGateway()]);
    expect(config.getIoAdapter()).toBeDefined();
    const without = { getIoAdapter: () => null };
    const sockets = new SocketGateways({} as never, without as never, new Map() as never, {} as never);
    expect(without.getIoAdapter()).toBeNull();
    expect(sockets.list()).toEqual([]);
  });
});

describe('the places of gateways', () => {
  const accessOf = (sockets: SocketGateways): unknown =>
    sockets.list().map(({ name, place }) => [name, place?.policy.access]);

  it('have their names, and require what their gateways do', () => {
    const gateways = [
      makeGateway({}, Public()),
      makeGateway({ port: 3001, path: '/events' }),
      makeGateway({ namespace: 'chat' }, OptionalAuth()),
      makeGateway({ path: '/events', namespace: 'chat' }),
    ];
    expect(accessOf(setUp(gateways).sockets)).toEqual([
      ['/', 'public'],
      [':3001/events', 'protected'],
      ['/chat', 'optional'],
      ['/events/chat', 'protected'],
    ]);
  });

  it('of a namespace that is a function say so', () => {
    const Chat = makeGateway({ namespace: (() => true) as never });
    expect(setUp([Chat]).sockets.list()[0]?.name).toBe('a function');
  });

  it('are one for gateways that share it, as strict as the strictest', () => {
    const { sockets } = setUp([makeGateway({}, Public()), makeGateway({}, Scopes('a'))]);
    expect(accessOf(sockets)).toEqual([
      ['/', 'protected'],
      ['/', 'protected'],
    ]);
    expect(sockets.list()[0]?.place?.policy.requirements).toHaveLength(1);
  });

  it('are none where the guard does not run, and public where it runs for handlers only', () => {
    const Chat = makeGateway();
    expect(accessOf(setUp([Chat], { isGlobal: false }).sockets)).toEqual([['/', undefined]]);
    const isOfClass = (classRef: unknown, target: unknown): boolean => classRef === Chat && target === Chat;
    expect(accessOf(setUp([Chat], { isGlobal: false, isLocal: isOfClass }).sockets)).toEqual([
      ['/', 'protected'],
    ]);
    const isOfHandler = (_: unknown, target: unknown): boolean => target !== Chat;
    const { sockets } = setUp([Chat], { isGlobal: false, isLocal: isOfHandler });
    expect(accessOf(sockets)).toEqual([['/', 'public']]);
    expect(sockets.list()[0]?.place?.keepsRequest).toBe(true);
    const [gateway] = sockets.list().map((each) => each.gateway);
    expect(gateway && sockets.guardsHandler(gateway, Chat.prototype)).toBe(true);
    expect(gateway && sockets.guardsHandler(gateway, Chat)).toBe(false);
  });

  it('of the main namespace are as strict as the strictest of the others, where no gateway is there', async () => {
    for (const [gateways, access] of [
      [[makeGateway({ namespace: 'chat' })], 'protected'],
      [
        [makeGateway({ namespace: 'a' }, Public()), makeGateway({ namespace: 'b' }, Scopes('a'))],
        'protected',
      ],
      [[makeGateway({ namespace: 'chat' }, OptionalAuth())], 'public'],
      [[makeGateway({ namespace: 'chat' }, Public())], 'public'],
    ] as const) {
      const { asked, connect, create } = setUp(gateways);
      await connect(create(0, { namespace: '/' }));
      expect(asked).toEqual([['Chat', access]]);
    }
  });
});

it('Nest 12 guards gateways by itself', () => {
  expect(guardsGateways({ getGlobalPreRequestHooks: () => [] } as never)).toBe(true);
  expect(guardsGateways({} as never)).toBe(false);
});
