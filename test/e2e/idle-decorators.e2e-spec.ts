/** Decorators that nothing enforces are reported: on methods of services, on hooks, on overrides that are no routes. */
import { Controller, Get, Injectable } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { Query, Resolver } from '@nestjs/graphql';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WsAdapter } from '@nestjs/platform-ws';
import { AuthModule, Groups, Public, Scopes, type AuthModuleOptions } from 'nestjs-resource-server';
import { bootModule, PLATFORMS, type AppSettings, type TestApp } from '../support/app.js';
import { graphqlModule } from '../support/graphql.js';
import { loggedLines } from '../support/no-secrets-in-output.js';

const OPTIONS: AuthModuleOptions = {
  issuer: 'https://issuer.example',
  audience: 'https://api.example.com',
  warmUp: 'off',
};
const REPORT =
  'AuthModule: decorators without effect, because these are not handlers of a route, a field or a message';

class Base {
  @Get('inherited') @Scopes('read') inherited(): string {
    return 'inherited';
  }
  @Get('overridden') @Scopes('read') overridden(): string {
    return 'a route of the base class';
  }
}

@Controller()
class OrdersController extends Base {
  // Nest takes the most derived method, and this one has no path.
  override overridden(): string {
    return this.helper();
  }
  @Get('orders') @Scopes('read') list(): string {
    return this.helper();
  }
  @Scopes('write') @Groups('staff') helper(): string {
    return 'called by the class itself';
  }
  @MessagePattern('orders.count') @Scopes('read') count(): number {
    return 0;
  }
}

@Injectable()
class OrdersService {
  @Scopes('refund') refund(): void {}
  @MessagePattern('orders.lost') @Scopes('read') consume(): void {}
  @SubscribeMessage('lost') @Scopes('read') receive(): void {}
  /** For libraries that call it through Nest's ExternalContextCreator. */
  @Public() handledElsewhere(): void {}
  cancel(): void {}
}

@Injectable()
@Scopes('admin')
class AdminService {
  purge(): void {}
}

@WebSocketGateway()
@Scopes('chat')
class ChatGateway {
  @Scopes('chat:join') handleConnection(): void {}
  @SubscribeMessage('say') @Scopes('chat:write') say(): void {}
}

@WebSocketGateway({ path: '/feed' })
@Scopes('feed')
class FeedGateway {}

@Resolver('Order')
@Scopes('read')
class OrderResolver {
  @Query(() => String) @Scopes('read:orders') orders(): string {
    return '';
  }
  @Scopes('read:orders') total(): number {
    return 1;
  }
}

const IDLE = [
  'AdminService: @Scopes()',
  'ChatGateway.handleConnection: @Scopes()',
  'OrderResolver.total: @Scopes()',
  'OrdersController.helper: @Groups(), @Scopes()',
  'OrdersController.overridden: @Scopes()',
  'OrdersService.consume: @Scopes()',
  'OrdersService.receive: @Scopes()',
  'OrdersService.refund: @Scopes()',
];

describe.each(PLATFORMS)('decorators without effect, on %s', (platform) => {
  let app: TestApp | undefined;
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  const everything: Pick<AppSettings, 'platform' | 'controllers' | 'providers' | 'beforeListening'> = {
    platform,
    controllers: [OrdersController],
    providers: [OrdersService, AdminService, ChatGateway, FeedGateway, OrderResolver],
    beforeListening: (nest) => void nest.useWebSocketAdapter(new WsAdapter(nest)),
  };
  const start = (options: Partial<AuthModuleOptions>, settings: AppSettings): Promise<TestApp> =>
    bootModule([AuthModule.forRoot({ ...OPTIONS, ...options }), graphqlModule('Apollo')], settings);
  const reports = (): readonly string[] => loggedLines().filter((line) => line.includes(REPORT));
  const linesOf = (report = ''): readonly string[] =>
    report
      .split('\n  ')
      .slice(1)
      .map((line) => line.replace(/ AuthModule$/, ''))
      .toSorted();

  it('are logged once, each with its place', async () => {
    app = await start({}, everything);
    expect(reports()).toHaveLength(1);
    expect(linesOf(reports()[0])).toEqual(IDLE);
  });

  it("do not start with audit: 'error'", async () => {
    const error: unknown = await start({ audit: 'error', auditIgnore: ['*'] }, everything).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'ConfigurationError' });
    expect(linesOf((error as Error).message)).toEqual(IDLE);
  });

  it('are told apart from handlers of a class with the same name', async () => {
    const makeController = (path: string) => {
      @Controller(path)
      class UsersController {
        @Get() @Scopes('read') list(): void {}
      }
      return UsersController;
    };
    const makeHelper = () => {
      @Controller('other')
      class UsersController {
        @Get('all') @Scopes('read') all(): void {}
        @Scopes('admin') list(): void {}
      }
      return UsersController;
    };
    app = await start(
      {},
      { ...everything, controllers: [makeController('users'), makeHelper()], providers: [OrderResolver] },
    );
    expect(linesOf(reports()[0])).toEqual([
      'OrderResolver.total: @Scopes()',
      'UsersController.list: @Scopes()',
    ]);
  });

  it('are not reported where all are enforced', async () => {
    @Controller()
    @Scopes('read')
    class EmptyController {}
    @Controller()
    class SoundController extends Base {
      @Get('orders') @Scopes('write') list(): void {}
    }
    @Resolver('Item')
    @Scopes('read')
    class ItemResolver {
      @Query(() => String) items(): string {
        return '';
      }
    }
    app = await start(
      { audit: 'error', auditIgnore: ['*'] },
      {
        ...everything,
        controllers: [EmptyController, SoundController],
        providers: [FeedGateway, ItemResolver],
      },
    );
    expect(reports()).toEqual([]);
  });
});
