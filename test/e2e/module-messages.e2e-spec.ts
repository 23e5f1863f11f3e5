/** Does the guard run for messages? Where Nest does not run it, the module says so at start, and with `audit: 'error'` refuses. */
import { Controller, Get, Module, Scope, UseGuards, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  MessagePattern,
  Transport,
  type ClientProxy,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AuthGuard,
  AuthModule,
  ConfigurationError,
  Public,
  Scopes,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { firstValueFrom } from 'rxjs';
import { WebSocket } from 'undici';
import { PLATFORMS, type Platform } from '../support/app.js';
import { AUDIENCE } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';
import { outputLogger } from '../support/output-logger.js';
import { freePort } from '../support/ports.js';

// Nothing here asks the provider.
const OPTIONS: AuthModuleOptions = { issuer: 'https://issuer.example', audience: AUDIENCE, warmUp: 'off' };

@Controller()
class EventsController {
  @MessagePattern('placed') placed(): string {
    return 'placed';
  }
  @MessagePattern('ping') @Public() ping(): string {
    return 'pong';
  }
  @Get('events') list(): string {
    return 'events';
  }
}

@UseGuards(AuthGuard)
@Controller()
class GuardedEventsController {
  @MessagePattern('placed') placed(): string {
    return 'placed';
  }
}

@Controller({ scope: Scope.REQUEST })
class PerRequestEventsController {
  @MessagePattern('placed') placed(): string {
    return 'placed';
  }
}

const UNGUARDED = 'AuthGuard does not run for 1 handler';
const warnings = (): readonly string[] =>
  loggedLines().filter((line) => line.includes('AuthGuard does not run'));

const optionsFor = (port: number): MicroserviceOptions => ({
  transport: Transport.TCP,
  options: { host: '127.0.0.1', port },
});
const connectTo = (port: number): ClientProxy =>
  ClientProxyFactory.create(optionsFor(port) as never) as unknown as ClientProxy;
/** A handler's answer, or that it was refused. */
const answerOf = (client: ClientProxy, pattern: string): Promise<unknown> =>
  firstValueFrom<unknown>(client.send(pattern, {})).catch(() => 'refused');

interface Settings {
  readonly platform: Platform;
  readonly options?: Parameters<typeof AuthModule.forRoot>[0];
  readonly controllers?: readonly Type[];
  readonly providers?: readonly Type[];
  readonly prepare?: (nest: INestApplication) => unknown;
}

/** Without the filter for HTTP that other tests have: microservices would inherit it. */
async function start({
  platform,
  options,
  controllers = [],
  providers = [],
  prepare,
}: Settings): Promise<INestApplication> {
  @Module({
    imports: options ? [AuthModule.forRoot({ ...OPTIONS, ...options })] : [],
    controllers: [...controllers],
    providers: [...providers],
  })
  class AppModule {}
  const adapter = platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
  const nest = await NestFactory.create(AppModule, adapter, { logger: outputLogger, abortOnError: false });
  try {
    await prepare?.(nest);
    await nest.listen(0, '127.0.0.1');
    return nest;
  } catch (error) {
    await nest.close();
    throw error;
  }
}

describe.each(PLATFORMS)('messages of an application on %s', (platform) => {
  let app: INestApplication | undefined;
  let client: ClientProxy | undefined;
  let port: number;

  beforeEach(async () => void (port = await freePort()));
  afterEach(async () => {
    client?.close();
    await app?.close();
    app = client = undefined;
  });

  const tcp = (own: number = port): MicroserviceOptions => optionsFor(own);
  const send = (pattern: string): Promise<unknown> => {
    client ??= connectTo(port);
    return answerOf(client, pattern);
  };
  const boot = async (
    prepare?: Settings['prepare'],
    options: NonNullable<Settings['options']> = {},
    controllers: readonly Type[] = [EventsController],
  ): Promise<INestApplication> =>
    (app = await start({ platform, options, controllers, ...(prepare && { prepare }) }));

  it('warns of a hybrid application that does not inherit the configuration, and names its handlers', async () => {
    await boot(async (nest) => {
      nest.connectMicroservice(tcp());
      await nest.startAllMicroservices();
    });
    expect(await Promise.all(['placed', 'ping'].map(send))).toEqual(['placed', 'pong']);
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toContain(UNGUARDED);
    expect(warnings()[0]).toContain(
      '\n  EventsController.placed: connectMicroservice() without { inheritAppConfig: true } runs no global guard',
    );
    expect(warnings()[0]).not.toContain('ping');
  });

  it.each<[string, Settings['prepare']]>([
    ['when it is initialized', (nest) => void nest.connectMicroservice(tcp())],
    [
      'when it is initialized, also where another microservice inherits',
      (nest) => {
        nest.connectMicroservice(tcp(), { inheritAppConfig: false });
        nest.connectMicroservice(tcp(port + 1), { inheritAppConfig: true });
      },
    ],
    [
      'before a microservice listens',
      async (nest) => {
        nest.connectMicroservice(tcp());
        await nest.startAllMicroservices();
      },
    ],
  ])('refuses it with audit error: %s', async (_, prepare) => {
    const started = boot(prepare, { audit: 'error', auditIgnore: ['/events', 'MESSAGE *'] });
    await expect(started).rejects.toBeInstanceOf(ConfigurationError);
    await expect(started).rejects.toThrow(UNGUARDED);
    expect(await send('placed')).toBe('refused');
  });

  it('warns of a request-scoped controller, too', async () => {
    await boot((nest) => void nest.connectMicroservice(tcp()), {}, [PerRequestEventsController]);
    expect(warnings()[0]).toContain('PerRequestEventsController.placed');
  });

  it('warns when a microservice is connected after the start, and refuses it with audit error', async () => {
    const nest = await boot();
    expect(warnings()).toEqual([]);
    nest.connectMicroservice(tcp());
    expect(warnings()).toHaveLength(1);
    await app?.close();
    const strict = await boot(undefined, { audit: 'error', auditIgnore: ['/events', 'MESSAGE *'] });
    expect(() => strict.connectMicroservice(tcp())).toThrow(UNGUARDED);
  });

  it.each([
    ['inherits the configuration', { inheritAppConfig: true }, [EventsController]],
    ['has its handlers under @UseGuards(AuthGuard)', {}, [GuardedEventsController]],
  ])('guards and says nothing where it %s', async (_, hybridOptions, controllers) => {
    await boot(
      async (nest) => {
        nest.connectMicroservice(tcp(), hybridOptions);
        await nest.startAllMicroservices();
      },
      { audit: 'error', auditIgnore: ['/events', 'MESSAGE *'] },
      controllers,
    );
    expect(await send('placed')).toBe('refused');
    expect(warnings()).toEqual([]);
  });

  it('says nothing of handlers that no microservice is connected for', async () => {
    await boot();
    expect(warnings()).toEqual([]);
  });

  it('leaves other applications of the process alone', async () => {
    await boot();
    const other = await start({
      platform,
      controllers: [EventsController],
      prepare: async (nest) => {
        nest.connectMicroservice(tcp());
        await nest.startAllMicroservices();
      },
    });
    expect(await send('placed')).toBe('placed');
    expect(warnings()).toEqual([]);
    await other.close();
  });

  it('does not start where nobody would enforce a decorator, without a global guard', async () => {
    @Controller()
    class RefundsController {
      @MessagePattern('refund') @Scopes('admin') refund(): string {
        return 'refunded';
      }
      @MessagePattern('guarded') @UseGuards(AuthGuard) @Scopes('admin') guarded(): string {
        return 'guarded';
      }
      @MessagePattern('anything') anything(): string {
        return 'anything';
      }
    }
    const started = boot(undefined, { globalGuard: false }, [RefundsController]);
    await expect(started).rejects.toThrow(
      /\n {2}RefundsController\.refund: its decorators require AuthGuard[^\n]*$/,
    );
  });

  it('does not start with a gateway that nobody would enforce a decorator of', async () => {
    @WebSocketGateway()
    @Scopes('chat')
    class ChatGateway {
      @SubscribeMessage('send') send(): string {
        return 'sent';
      }
      helper(): string {
        return 'no handler';
      }
    }
    const started = start({
      platform,
      options: { globalGuard: false },
      providers: [ChatGateway],
      prepare: (nest) => nest.useWebSocketAdapter(new WsAdapter(nest)),
    });
    await expect(started).rejects.toThrow(/\n {2}ChatGateway\.send: its decorators require AuthGuard[^\n]*$/);
  });

  it('guards gateways, so that the audit has nothing to say of them', async () => {
    const received: string[] = [];
    @WebSocketGateway()
    @Scopes('chat')
    class ChatGateway {
      handleConnection(): void {
        received.push('connection');
      }
      @SubscribeMessage('send') send(): void {
        received.push('send');
      }
    }
    app = await start({
      platform,
      options: { audit: 'error' },
      providers: [ChatGateway],
      prepare: (nest) => nest.useWebSocketAdapter(new WsAdapter(nest)),
    });
    const socket = new WebSocket((await app.getUrl()).replace('http', 'ws'));
    socket.addEventListener('open', () => socket.send(JSON.stringify({ event: 'send', data: {} })));
    const code = await new Promise((resolve) => {
      socket.addEventListener('close', (event: { code: number }) => resolve(event.code));
    });
    expect(code).toBe(1008);
    expect(received).toEqual([]);
    expect(warnings()).toEqual([]);
  });
});

it('guards a microservice that stands alone', async () => {
  const port = await freePort();
  @Module({
    imports: [AuthModule.forRoot({ ...OPTIONS, audit: 'error', auditIgnore: ['/events', 'MESSAGE *'] })],
    controllers: [EventsController],
  })
  class EventsModule {}
  const app = await NestFactory.createMicroservice(EventsModule, {
    ...optionsFor(port),
    logger: outputLogger,
    abortOnError: false,
  } as never);
  await app.listen();
  const client = connectTo(port);
  expect(await answerOf(client, 'placed')).toBe('refused');
  expect(await answerOf(client, 'ping')).toBe('pong');
  expect(warnings()).toEqual([]);
  client.close();
  await app.close();
});
