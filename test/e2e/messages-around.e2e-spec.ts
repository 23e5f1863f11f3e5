/**
 * What is around messages: Kafka, `messageTokenResolver`, outages, other transports of an application, hybrid applications,
 * the route table, and hostile packets.
 *
 * Kafka without a broker: messages are handed to Nest's own `ServerKafka`, as kafkajs hands them over, so that header
 * parser, context and publisher are Nest's.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { randomUUID } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import {
  Catch,
  Controller,
  Get,
  Module,
  Scope,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
  type INestApplication,
  type INestMicroservice,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import {
  Ctx,
  EventPattern,
  KafkaContext,
  MessagePattern,
  Payload,
  BaseRpcExceptionFilter,
  RpcException,
  Server,
  ServerKafka,
  Transport,
  type ClientProxy,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  AuthError,
  AuthModule,
  Claims,
  CurrentUser,
  DECISION_CHANNEL,
  Public,
  RouteTable,
  Scopes,
  TokenError,
  TokenValidationService,
  type AuthModuleOptions,
  type DecisionEvent,
} from 'nestjs-resource-server';
import { attackSuite, mockClaims, TestIssuer } from 'nestjs-resource-server/testing';
import { Test } from '@nestjs/testing';
import { firstValueFrom, interval, of, type Observable } from 'rxjs';
import { advanceClock } from '../support/clock.js';
import { Issuer } from '../support/issuer.js';
import { connectClient, KINDS, startMicroservice, type HeaderLines } from '../support/messages.js';
import { loggedLines } from '../support/no-secrets-in-output.js';
import { outputLogger } from '../support/output-logger.js';
import { freePort } from '../support/ports.js';
import { describeWith } from '../support/redis.js';

const calls: string[] = [];
beforeEach(() => void calls.splice(0));

const UNAUTHORIZED = { statusCode: 401, message: 'unauthorized', errorCode: 'invalid_token' };
const MISSING = { ...UNAUTHORIZED, errorCode: 'missing_token' };

let issuer: Issuer;
beforeAll(async () => void (issuer = await Issuer.start()));
afterAll(() => issuer.close());

describe('messages over Kafka, as Nest hands them to handlers', () => {
  interface Sent {
    readonly messages: readonly [{ readonly value: unknown; readonly headers: Record<string, Buffer> }];
  }

  /** Nest's own server, but for the connection. */
  class ServerWithoutBroker extends ServerKafka {
    readonly sent: Sent[] = [];
    override async listen(ready: () => void): Promise<void> {
      this.producer = { send: async (sent: Sent) => void this.sent.push(sent) } as never;
      ready();
    }
    override async close(): Promise<void> {
      // Nothing was opened.
    }
    receive(topic: string, headers: Record<string, unknown> | undefined): Promise<unknown> {
      const message = { key: null, value: Buffer.from('{"id":1}'), ...(headers && { headers }) };
      return this.handleMessage({ topic, partition: 0, message, heartbeat: async () => undefined } as never);
    }
  }

  /** So that a refused event is not read again, and the partition goes on: the documentation has it. */
  @Catch(RpcException)
  class CommitRefusedEvents implements ExceptionFilter {
    catch(_: RpcException, host: { getArgByIndex(index: number): unknown }): Observable<unknown> {
      calls.push(`dead letter of ${(host.getArgByIndex(1) as KafkaContext).getTopic()}`);
      return of(undefined);
    }
  }

  /** These two as well. */
  @Catch(RpcException)
  class RejectedMessages extends BaseRpcExceptionFilter {
    override catch(exception: RpcException, host: ArgumentsHost): Observable<unknown> {
      if (exception.cause instanceof AuthError) {
        const context = host.switchToRpc().getContext<unknown>();
        if (context instanceof KafkaContext && !expectsReply(context)) return of(undefined);
      }
      return super.catch(exception, host);
    }
  }

  function expectsReply(context: KafkaContext): boolean {
    const { headers = {} } = context.getMessage();
    return Boolean(headers['kafka_correlationId'] && headers['kafka_replyTopic']);
  }

  @Catch(RpcException)
  class RejectedEvents extends BaseRpcExceptionFilter {
    override catch(exception: RpcException, host: ArgumentsHost): Observable<unknown> {
      return exception.cause instanceof AuthError ? of(undefined) : super.catch(exception, host);
    }
  }

  @Controller()
  class PaymentsController {
    @MessagePattern('orders') orders(@Claims('sub') sub: string): object {
      calls.push('orders');
      return { sub };
    }
    @MessagePattern('unknown') @Public() unknown(_order: unknown): object {
      throw new RpcException('no such order');
    }
    @EventPattern('paid') @UseFilters(RejectedEvents) paid(_order: unknown): void {
      calls.push('paid');
    }
  }

  @Controller()
  class OrdersController {
    @MessagePattern('orders') orders(@Claims('sub') sub: string, @Ctx() context: KafkaContext): object {
      calls.push('orders');
      return { sub, isContext: context instanceof KafkaContext };
    }
    @EventPattern('placed') @Scopes('write:things') placed(@Claims('sub') sub: string): void {
      calls.push(`placed by ${sub}`);
    }
  }

  const server = new ServerWithoutBroker({ client: { brokers: [] } });
  let app: INestMicroservice;
  beforeAll(
    async () =>
      void (app = await startMicroservice(
        issuer.options,
        { strategy: server },
        { controllers: [OrdersController] },
      )),
  );
  afterAll(() => app.close());

  const reply = { kafka_correlationId: Buffer.from('1'), kafka_replyTopic: Buffer.from('orders.reply') };
  const ask = async (headers: Record<string, unknown>): Promise<unknown> => {
    server.sent.splice(0);
    await server.receive('orders', { ...reply, ...headers });
    for (let turn = 0; server.sent.length === 0 && turn < 1000; turn++) await new Promise(setImmediate);
    const [{ messages }] = server.sent as [Sent];
    const error = messages[0].headers['kafka_nest-err'];
    return error ? { refused: JSON.parse(error.toString()) } : JSON.parse(String(messages[0].value));
  };

  it.each<[string, (value: string) => unknown]>([
    ['bytes', (value) => Buffer.from(value)],
    ['a string', (value) => value],
    ['a list of one', (value) => [Buffer.from(value)]],
  ])('takes the header as %s', async (_, header) => {
    const answer = { sub: 'user-1', isContext: true };
    expect(await ask({ authorization: header(`Bearer ${issuer.token()}`) })).toEqual(answer);
    expect(await ask({ Authorization: header(`Bearer ${issuer.token()}`) })).toEqual(answer);
    expect(await ask({ authorization: header('Bearer garbage') })).toEqual({ refused: UNAUTHORIZED });
  });

  it.each<[string, () => Record<string, unknown>, object]>([
    ['is missing', () => ({}), MISSING],
    ['is null', () => ({ authorization: null }), MISSING],
    ['is an object', () => ({ authorization: '{"a":1}' }), UNAUTHORIZED],
    ['is bytes that Nest leaves alone', () => ({ authorization: Buffer.from([0, 1, 2]) }), MISSING],
    [
      'is a list of two',
      () => ({
        authorization: [`Bearer ${issuer.token()}`, `Bearer ${issuer.token()}`].map((each) =>
          Buffer.from(each),
        ),
      }),
      { statusCode: 400, message: 'bad request', errorCode: 'invalid_request' },
    ],
  ])('refuses a message whose header %s', async (_, headers, refused) => {
    expect(await ask(headers())).toEqual({ refused });
    expect(calls).toEqual([]);
  });

  it('handles events with a good token only; what is refused is rejected, as kafkajs is told', async () => {
    await server.receive('placed', { authorization: Buffer.from(`Bearer ${issuer.token()}`) });
    expect(calls).toEqual(['placed by user-1']);
    await expect(server.receive('placed', undefined)).rejects.toEqual(MISSING);
    await expect(server.receive('placed', {})).rejects.toEqual(MISSING);
    expect(calls).toEqual(['placed by user-1']);
  });

  it('lets a filter of the application commit what is refused', async () => {
    const strategy = new ServerWithoutBroker({ client: { brokers: [] } });
    const filtered = await startMicroservice(
      issuer.options,
      { strategy },
      {
        controllers: [OrdersController],
        providers: [{ provide: APP_FILTER, useClass: CommitRefusedEvents }],
      },
    );
    await expect(strategy.receive('placed', {})).resolves.toBeUndefined();
    expect(calls).toEqual(['dead letter of placed']);
    await filtered.close();
  });

  it('lets filters of the application answer requests, and commit everything else', async () => {
    const strategy = new ServerWithoutBroker({ client: { brokers: [] } });
    const filtered = await startMicroservice(
      issuer.options,
      { strategy },
      {
        controllers: [PaymentsController],
        providers: [{ provide: APP_FILTER, useClass: RejectedMessages }],
      },
    );
    // A sender decides which headers a message has.
    for (const headers of [{}, { kafka_correlationId: reply.kafka_correlationId }, reply])
      await expect(strategy.receive('paid', headers)).resolves.toBeUndefined();
    await expect(strategy.receive('orders', {})).resolves.toBeUndefined();
    expect(strategy.sent).toEqual([]);
    await strategy.receive('orders', reply);
    while (strategy.sent.length === 0) await new Promise(setImmediate);
    const [{ messages }] = strategy.sent as [Sent];
    expect(JSON.parse(String(messages[0].headers['kafka_nest-err']))).toEqual(MISSING);
    // The application's own exceptions are answered as Nest does.
    await expect(strategy.receive('unknown', {})).rejects.toMatchObject({ message: 'no such order' });
    expect(calls).toEqual([]);
    await filtered.close();
  });
});

@Controller()
class ThingsController {
  constructor(private readonly tokens: TokenValidationService) {}

  @MessagePattern('read') @Scopes('read:things') read(
    @Claims('sub') sub: string,
    @CurrentUser() user: unknown,
  ): object {
    calls.push('read');
    return { sub, user };
  }
  @MessagePattern({ cmd: 'open' }) @Public() open(): string {
    return 'open';
  }
  @MessagePattern('validate') @Public() async validate(@Payload('token') token: string): Promise<object> {
    return this.tokens.validateAccessToken(token);
  }
  @EventPattern('fails') @Public() fails(_order: unknown): void {
    calls.push('fails');
    throw new TokenError('invalid_token');
  }
  @EventPattern('placed') placed(_order: unknown): void {
    calls.push('placed');
  }
  @EventPattern('placed') @Public() placedToo(@Claims() claims: unknown): void {
    calls.push(`placed too, ${String(claims)}`);
  }
  @Get('things') list(): string {
    return 'things';
  }
}

@Controller({ scope: Scope.REQUEST })
class PerRequestController {
  @MessagePattern('read') @Scopes('read:things') read(@Claims('sub') sub: string): object {
    return { sub };
  }
}

const tcp = KINDS[0] as (typeof KINDS)[number];

/** A microservice over TCP, with a client. */
async function serve(options: AuthModuleOptions, controllers: readonly Type[] = [ThingsController]) {
  const microservice = await tcp.options();
  const app = await startMicroservice(options, microservice, { controllers });
  const client = connectClient(microservice);
  return { app, client, microservice, send: sender(client), close: () => closeBoth(client, app) };
}

const sender =
  (client: ClientProxy) =>
  (pattern: unknown, lines: HeaderLines = [], data: object = {}): Promise<unknown> =>
    firstValueFrom(client.send(pattern, tcp.record(data, lines))).catch((error: unknown) => ({
      refused: error,
    }));

async function closeBoth(client: ClientProxy, app: { close(): Promise<unknown> }): Promise<void> {
  await client.close();
  await app.close();
}

const good = (): HeaderLines => [['authorization', `Bearer ${issuer.token()}`]];

describe('messageTokenResolver', () => {
  it('is asked only where the header holds no token, and gives the bare token', async () => {
    const asked: unknown[] = [];
    const { send, close } = await serve({
      ...issuer.options,
      messageTokenResolver: async (context) => {
        const { token } = context.switchToRpc().getData<{ token: string }>();
        asked.push(typeof token);
        return token;
      },
    });
    expect(await send('read', good(), { token: 'x' })).toMatchObject({ sub: 'user-1' });
    expect(asked).toEqual([]);
    expect(await send('read', [], { token: issuer.token() })).toMatchObject({ sub: 'user-1' });
    expect(await send('read', [['authorization', 'Basic x']], { token: issuer.token() })).toMatchObject({
      sub: 'user-1',
    });
    expect(await send('read')).toEqual({ refused: MISSING });
    expect(await send('read', [], { token: `Bearer ${issuer.token()}` })).toEqual({ refused: UNAUTHORIZED });
    expect(await send('read', [], { token: { a: 1 } })).toEqual({ refused: UNAUTHORIZED });
    expect(await send('read', [], { token: ['a', 'b'] })).toMatchObject({ refused: { statusCode: 400 } });
    expect(await send('read', [['authorization', 'Bearer x']], { token: issuer.token() })).toEqual({
      refused: UNAUTHORIZED,
    });
    await close();
  });

  it('answers 500 where it throws, and logs it', async () => {
    const { send, close } = await serve({
      ...issuer.options,
      messageTokenResolver: () => {
        throw new Error('the resolver fails');
      },
    });
    const refused = { statusCode: 500, message: 'internal server error', errorCode: 'server_error' };
    expect(await send('read')).toEqual({ refused });
    expect(loggedLines()).toContainEqual(expect.stringContaining('the resolver fails'));
    await close();
  });

  it('does not start with one that is no function', async () => {
    await expect(serve({ ...issuer.options, messageTokenResolver: 'x' as never })).rejects.toThrow(
      /messageTokenResolver.*is not a function/,
    );
  });
});

describe('a microservice', () => {
  it('answers 503 while the provider cannot be asked', async () => {
    const { send, close } = await serve({ issuer: 'http://127.0.0.1:1', audience: 'x', responseTimeout: 1 });
    const refused = { statusCode: 503, message: 'service unavailable', errorCode: 'temporarily_unavailable' };
    const token = issuer.token({ claims: { iss: 'http://127.0.0.1:1', aud: 'x' } });
    expect(await send('read', [['authorization', `Bearer ${token}`]])).toEqual({ refused });
    await close();
  });

  it('answers an error of this package that a handler throws as the guard would', async () => {
    const { send, client, close } = await serve(issuer.options);
    expect(await send('validate', [], { token: 'garbage' })).toEqual({ refused: UNAUTHORIZED });
    await firstValueFrom(client.emit('fails', {}), { defaultValue: undefined });
    expect(await send({ cmd: 'open' })).toBe('open');
    expect(calls).toEqual(['fails']);
    await close();
  });

  it('runs only the public one of two handlers of an event', async () => {
    const { send, client, close } = await serve(issuer.options);
    await firstValueFrom(client.emit('placed', tcp.record({}, [['authorization', 'Bearer x']])), {
      defaultValue: 0,
    });
    expect(await send({ cmd: 'open' })).toBe('open');
    expect(calls).toEqual(['placed too, undefined']);
    await firstValueFrom(client.emit('placed', tcp.record({}, good())), { defaultValue: 0 });
    expect(await send({ cmd: 'open' })).toBe('open');
    expect(calls.toSorted()).toEqual(['placed', 'placed too, undefined', 'placed too, undefined']);
    await close();
  });

  it('guards request-scoped controllers', async () => {
    const { send, close } = await serve(issuer.options, [PerRequestController]);
    expect(await send('read')).toEqual({ refused: MISSING });
    expect(await send('read', good())).toEqual({ sub: 'user-1' });
    await close();
  });

  it('loads the user once for each message, and refuses one that is unknown', async () => {
    const loaded: string[] = [];
    const { send, close } = await serve({
      ...issuer.options,
      loadUser: ({ sub }, { context }) => {
        loaded.push(`${sub} ${context.getType()}`);
        return sub === 'user-1' ? { row: 1 } : null;
      },
    });
    expect(await send('read', good())).toEqual({ sub: 'user-1', user: { row: 1 } });
    const unknown = `Bearer ${issuer.token({ claims: { sub: 'nobody' } })}`;
    expect(await send('read', [['authorization', unknown]])).toEqual({ refused: UNAUTHORIZED });
    expect(loaded).toEqual(['user-1 rpc', 'nobody rpc']);
    await close();
  });

  it('counts decisions', async () => {
    const events: DecisionEvent[] = [];
    const listen = (event: unknown): void => void events.push(event as DecisionEvent);
    subscribe(DECISION_CHANNEL, listen);
    const { send, client, close } = await serve(issuer.options);
    await send('read');
    await send('read', good());
    await firstValueFrom(client.emit('placed', {}), { defaultValue: undefined });
    await send({ cmd: 'open' });
    unsubscribe(DECISION_CHANNEL, listen);
    const said = events.map(({ transport, outcome, reason, route, status }) => [
      transport,
      outcome,
      reason,
      route,
      status,
    ]);
    expect(said).toEqual(
      expect.arrayContaining([
        ['rpc', 'refused', 'missing_token', 'ThingsController.read', 401],
        ['rpc', 'allowed', 'token', 'ThingsController.read', undefined],
        ['rpc', 'refused', 'missing_token', 'ThingsController.placed', 401],
        ['rpc', 'allowed', 'public', 'ThingsController.open', undefined],
      ]),
    );
    await close();
  });

  it('goes on after hostile packets, and runs nothing', async () => {
    const { microservice, send, close } = await serve(issuer.options);
    const { port } = (microservice as { options: { port: number } }).options;
    const packet = (value: unknown): string => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return `${text.length}#${text}`;
    };
    const token = `Bearer ${issuer.token()}`;
    const packets = [
      'garbage',
      '5#12345',
      packet('null'),
      packet('[]'),
      packet({ id: '1' }),
      packet({ pattern: { toString: 1 }, id: '1' }),
      packet({ pattern: '__proto__', data: {}, id: '1' }),
      packet({ pattern: 'constructor', data: {}, id: '1' }),
      packet({ pattern: 'read', data: { authorization: token }, id: '1' }),
      packet({ pattern: 'read', data: null, id: '1', metadata: null }),
      packet({ pattern: 'read', data: null, id: '1', metadata: token }),
      packet({ pattern: 'read', data: null, id: '1', metadata: [token] }),
      packet({ pattern: 'read', data: null, id: '1', metadata: { authorization: { toString: token } } }),
      packet({ pattern: 'read', data: null, id: '1', metadata: { authorization: [[token]] } }),
      packet({ pattern: 'read', data: null, id: '1', metadata: { nested: { authorization: token } } }),
      packet(`{"pattern":"read","id":"1","metadata":{"__proto__":{"authorization":"${token}"}}}`),
      packet({ pattern: 'read', data: { metadata: {}, getPeer: 'x' }, id: '1' }),
    ];
    for (const bytes of packets) {
      const socket = connectTcp(port, '127.0.0.1');
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.write(bytes);
      // The server has read it when it answers the next one.
      expect([bytes.slice(0, 20), await send({ cmd: 'open' })]).toEqual([bytes.slice(0, 20), 'open']);
      socket.destroy();
    }
    expect(calls).toEqual([]);
    expect(await send('unknown', good())).toMatchObject({
      refused: expect.stringContaining('no matching') as unknown,
    });
    await close();
  });
});

describe('a transport of the application', () => {
  class OwnStrategy extends Server {
    listen(ready: () => void): void {
      ready();
    }
    close(): void {
      // Nothing was opened.
    }
    on(): void {
      // It has no events.
    }
    unwrap(): never {
      return undefined as never;
    }
    async call(pattern: string, ...args: unknown[]): Promise<unknown> {
      const handler = this.getHandlers().get(pattern) as unknown as (...all: unknown[]) => Promise<unknown>;
      return firstValueFrom(this.transformToObservable(handler(...args)) as Observable<unknown>).catch(
        (error: unknown) => ({ refused: error }),
      );
    }
  }

  it('asks messageTokenResolver also where its context has headers of another shape', async () => {
    const strategy = new OwnStrategy();
    const app = await startMicroservice(
      {
        ...issuer.options,
        messageTokenResolver: (context) => context.switchToRpc().getContext<{ key: string }>().key,
      },
      { strategy },
      { controllers: [ThingsController] },
    );
    const from = (headers: unknown): object => ({ key: issuer.token(), getHeaders: () => headers });
    for (const headers of [{ 'x-id': '1' }, null, undefined, 'text'])
      expect(await strategy.call('read', {}, from(headers))).toMatchObject({ sub: 'user-1' });
    const twice = new Map([['authorization', ['Bearer a', 'Bearer b']]]);
    expect(await strategy.call('read', {}, from(twice))).toMatchObject({ refused: { statusCode: 400 } });
    await app.close();
  });

  it('has the token where messageTokenResolver says, and is refused without a context', async () => {
    const strategy = new OwnStrategy();
    const app = await startMicroservice(
      {
        ...issuer.options,
        messageTokenResolver: (context) => context.switchToRpc().getContext<{ key: string }>().key,
        loadUser: ({ sub }) => ({ row: sub }),
      },
      { strategy },
      { controllers: [ThingsController] },
    );
    const shared = { key: issuer.token() };
    expect(await strategy.call('read', {}, shared)).toMatchObject({ sub: 'user-1' });
    // The same object for the next message: nothing is kept on the strength of it.
    shared.key = issuer.token({ claims: { sub: 'user-2' } });
    expect(await strategy.call('read', {}, shared)).toMatchObject({ user: { row: 'user-2' } });
    shared.key = 'garbage';
    expect(await strategy.call('read', {}, shared)).toEqual({ refused: UNAUTHORIZED });
    expect(await strategy.call('read', {})).toMatchObject({ refused: { statusCode: 500 } });
    expect(loggedLines()).toContainEqual(expect.stringContaining('passes no context'));
    await app.close();
  });
});

describe('a controller that is made for each message, and rebinds its handlers', () => {
  const started: number[] = [];

  @Controller({ scope: Scope.REQUEST })
  @Scopes('read:things')
  class ReboundController {
    constructor() {
      this.ticks = this.ticks.bind(this);
    }
    @MessagePattern('ticks') ticks(): Observable<number> {
      started.push(1);
      return interval(20);
    }
  }

  it('streams no longer than the token is good', async () => {
    const { client, close } = await serve(issuer.options, [ReboundController]);
    const seen: unknown[] = [];
    const outcome = await new Promise((resolve) =>
      client.send('ticks', tcp.record({}, good())).subscribe({
        next: (value) => {
          seen.push(value);
          if (seen.length === 2) advanceClock(4000);
          if (seen.length === 300) resolve('went on');
        },
        error: resolve,
      }),
    );
    expect(outcome).toEqual(UNAUTHORIZED);
    expect(started).toEqual([1]);
    await close();
  });
});

describe('a hybrid application', () => {
  const boot = async (options: AuthModuleOptions, inheritAppConfig: boolean) => {
    const port = await freePort();
    const microservice: MicroserviceOptions = {
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
    };
    @Module({ imports: [AuthModule.forRoot(options)], controllers: [ThingsController] })
    class HybridModule {}
    const app: INestApplication = await NestFactory.create(HybridModule, new FastifyAdapter(), {
      logger: outputLogger,
      abortOnError: false,
    });
    app.connectMicroservice(microservice, { inheritAppConfig });
    try {
      await app.startAllMicroservices();
      await app.listen(0, '127.0.0.1');
    } catch (error) {
      await app.close();
      throw error;
    }
    const client = connectClient(microservice);
    return { app, send: sender(client), close: () => closeBoth(client, app) };
  };

  it('has one guard for requests and messages', async () => {
    const { app, send, close } = await boot(issuer.options, true);
    const url = `${await app.getUrl()}/things`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { authorization: `Bearer ${issuer.token()}` } })).status).toBe(200);
    expect(await send('read')).toEqual({ refused: MISSING });
    expect(await send('read', good())).toMatchObject({ sub: 'user-1' });
    expect(await send({ cmd: 'open' })).toBe('open');
    await close();
  });

  it('lists its handlers, and says which of them nobody guards', async () => {
    const guarded = await boot(issuer.options, true);
    const table = guarded.app.get(RouteTable);
    const rpc = table.list().filter(({ kind }) => kind === 'rpc');
    expect(rpc.map(({ method, path, access, handler }) => [method, path, access, handler])).toEqual([
      ['EVENT', 'fails', 'public', 'ThingsController.fails'],
      ['EVENT', 'placed', 'protected', 'ThingsController.placed'],
      ['EVENT', 'placed', 'public', 'ThingsController.placedToo'],
      ['MESSAGE', 'read', 'protected', 'ThingsController.read'],
      ['MESSAGE', 'validate', 'public', 'ThingsController.validate'],
      ['MESSAGE', '{"cmd":"open"}', 'public', 'ThingsController.open'],
    ]);
    expect(rpc.find(({ path }) => path === 'read')).toMatchObject({
      scopes: ['read:things'],
      declared: true,
    });
    expect(table.undeclared()).toEqual([
      'GET /things: ThingsController.list declares nothing; any valid token is accepted',
      'EVENT placed: ThingsController.placed declares nothing; any valid token is accepted',
    ]);
    await guarded.close();

    const open = await boot(issuer.options, false);
    expect(loggedLines()).toContainEqual(expect.stringContaining('AuthGuard does not run for 2 handlers'));
    expect(open.app.get(RouteTable).undeclared()).toContain(
      'MESSAGE read: ThingsController.read is run without AuthGuard',
    );
    await open.close();
    await expect(boot({ ...issuer.options, audit: 'error' }, false)).rejects.toThrow(
      'AuthGuard does not run',
    );
  });
});

it('stands in for a caller in tests: mockClaims', async () => {
  const guard = mockClaims({ sub: 'tester', scope: 'read:things' });
  const microservice = await tcp.options();
  const builder = Test.createTestingModule({
    imports: [AuthModule.forRoot({})],
    controllers: [ThingsController],
  }).setLogger(outputLogger);
  const module = await guard.applyTo(builder).compile();
  const app = module.createNestMicroservice<MicroserviceOptions>(microservice);
  await app.listen();
  const client = connectClient(microservice);
  const send = sender(client);
  expect(await send('read')).toMatchObject({ sub: 'tester' });
  guard.claims = { sub: 'tester' };
  expect(await send('read')).toMatchObject({ refused: { statusCode: 403, errorCode: 'insufficient_scope' } });
  guard.claims = undefined;
  expect(await send('read')).toEqual({ refused: MISSING });
  expect(await send({ cmd: 'open' })).toBe('open');
  await closeBoth(client, app);
});

const nats = KINDS.find(({ name }) => name === 'NATS') as (typeof KINDS)[number];
describeWith(nats.available, 'NATS_URL names none', 'attackSuite over NATS', () => {
  const pattern = `rs-${randomUUID()}`;

  @Controller()
  class AttackedController {
    @MessagePattern(pattern) @Scopes('read:things') read(): string {
      return 'read';
    }
    @MessagePattern(`${pattern}.open`) @Public() open(): string {
      return 'open';
    }
  }

  it('finds nothing in a guarded handler, and something in an open one', async () => {
    const testIssuer = await TestIssuer.start();
    const microservice = await nats.options();
    const app = await startMicroservice(testIssuer.options, microservice, {
      controllers: [AttackedController],
    });
    const client = connectClient(microservice);
    const token = { scope: ['read:things'] };
    const attacksOn = (message: string) =>
      attackSuite(testIssuer, {
        message,
        token,
        send: (lines) => firstValueFrom(client.send(message, nats.record({}, lines))),
      });
    const attacks = attacksOn(pattern);
    expect(attacks.length).toBeGreaterThan(35);
    for (const { run } of attacks) await run();
    const [letIn, ...hostile] = attacksOn(`${pattern}.open`);
    await letIn?.run();
    for (const { run } of hostile) await expect(run()).rejects.toThrow('answered 200');
    await closeBoth(client, app);
    await testIssuer.close();
  });
});
