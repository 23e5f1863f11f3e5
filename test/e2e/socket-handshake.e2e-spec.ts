/** WebSocket handshakes behind the guard: decided before any message and any broadcast, for socket.io and ws. */
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import {
  AccessToken,
  Claims,
  claimsOf,
  CurrentUser,
  OptionalAuth,
  Public,
  Scopes,
  type AccessTokenClaims,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import type { TestApp } from '../support/app.js';
import { Issuer } from '../support/issuer.js';
import {
  bearer,
  bootGateways,
  closeClients,
  connect,
  refusedWith,
  SOCKET_STACKS,
  type Presented,
} from '../support/sockets.js';
import { nowInSeconds } from '../support/tokens.js';

/** To everybody whom the server knows. */
function broadcast(server: unknown, event: string, data: unknown): void {
  const { clients } = server as { readonly clients?: ReadonlySet<{ send(text: string): void }> };
  if (clients) for (const client of clients) client.send(JSON.stringify({ event, data }));
  else (server as { emit(event: string, data: unknown): void }).emit(event, data);
}

@WebSocketGateway()
class ChatGateway {
  @WebSocketServer() server: unknown;
  static connected: (string | undefined)[] = [];
  static gone: (string | undefined)[] = [];
  static handled: string[] = [];

  handleConnection(client: object): void {
    ChatGateway.connected.push(claimsOf(client)?.sub);
    broadcast(this.server, 'joined', claimsOf(client)?.sub);
  }
  handleDisconnect(client: object): void {
    ChatGateway.gone.push(claimsOf(client)?.sub);
  }
  @SubscribeMessage('who') who(
    @ConnectedSocket() client: { user?: { sub?: string } },
    @Claims() claims?: AccessTokenClaims,
    @AccessToken() token?: string,
    @CurrentUser() user?: { sub?: string },
  ): unknown {
    ChatGateway.handled.push('who');
    return {
      event: 'who',
      data: { sub: claims?.sub, hasToken: token !== undefined, user: user?.sub, onClient: client.user?.sub },
    };
  }
  @SubscribeMessage('open') @Public() open(
    @ConnectedSocket() client: { user?: { sub?: string } },
    @Claims() claims?: AccessTokenClaims,
    @AccessToken() token?: string,
  ): unknown {
    return {
      event: 'open',
      data: { sub: claims?.sub, token, onClient: client.user?.sub, ofClient: claimsOf(client)?.sub },
    };
  }
  @SubscribeMessage('write') @Scopes('chat:write') write(@MessageBody() text: string): unknown {
    ChatGateway.handled.push('write');
    broadcast(this.server, 'said', text);
    return { event: 'written', data: text };
  }
}

@WebSocketGateway()
@Public()
class LobbyGateway {
  @WebSocketServer() server: unknown;
  static connected: (string | undefined)[] = [];
  handleConnection(client: object): void {
    LobbyGateway.connected.push(claimsOf(client)?.sub);
  }
  @SubscribeMessage('who') who(@Claims('sub') sub?: string): unknown {
    return { event: 'who', data: { sub } };
  }
  @SubscribeMessage('mine') @Scopes('chat:read') mine(@Claims('sub') sub?: string): unknown {
    return { event: 'mine', data: { sub } };
  }
}

@WebSocketGateway()
@OptionalAuth()
class FeedGateway {
  @SubscribeMessage('who') who(@Claims('sub') sub?: string): unknown {
    return { event: 'who', data: { sub: sub ?? 'nobody' } };
  }
  @SubscribeMessage('write') @Scopes('chat:write') write(): unknown {
    return { event: 'written', data: 'ok' };
  }
}

@WebSocketGateway()
@Scopes('chat:read')
class ReadingGateway {
  @SubscribeMessage('read') read(): unknown {
    return { event: 'read', data: 'ok' };
  }
}

describe.each(SOCKET_STACKS)('the handshake: $library on $platform', ({ library, platform }) => {
  let issuer: Issuer;
  const apps: TestApp[] = [];
  const boot = async (
    gateways: readonly (new () => unknown)[],
    options: AuthModuleOptions = {},
  ): Promise<TestApp> => {
    const app = await bootGateways(library, { ...issuer.options, ...options }, { gateways, platform });
    apps.push(app);
    return app;
  };

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  beforeEach(() => {
    ChatGateway.connected = [];
    ChatGateway.gone = [];
    ChatGateway.handled = [];
    LobbyGateway.connected = [];
  });
  afterEach(async () => {
    closeClients();
    for (const app of apps.splice(0)) await app.close();
    issuer.server.recover();
  });
  afterAll(() => issuer.close());

  it('lets a good token in: claims in handleConnection, in messages, on the client', async () => {
    const app = await boot([ChatGateway]);
    const client = await connect(library, app.origin, bearer(issuer.token()));
    expect(client.ended).toBeUndefined();
    expect(await client.next('joined')).toBe('user-1');
    client.send('who');
    expect(await client.next('who')).toEqual({
      sub: 'user-1',
      hasToken: true,
      user: 'user-1',
      onClient: 'user-1',
    });
    expect(ChatGateway.connected).toEqual(['user-1']);
  });

  it('calls nobody by name in a public message, and knows the caller again when it leaves', async () => {
    const app = await boot([ChatGateway]);
    const client = await connect(library, app.origin, bearer(issuer.token()));
    client.send('who');
    await client.next('who');
    client.send('open');
    expect(await client.next('open')).toEqual({});
    client.send('who');
    expect(await client.next('who')).toMatchObject({ sub: 'user-1', onClient: 'user-1' });
    client.send('open');
    await client.next('open');
    client.close();
    while (ChatGateway.gone.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(ChatGateway.gone).toEqual(['user-1']);
  });

  const REFUSED: readonly [string, (of: Issuer) => Presented, number, string, string][] = [
    ['no token', () => ({}), 401, 'unauthorized', 'missing_token'],
    ['a token that is none', () => bearer('nonsense'), 401, 'unauthorized', 'invalid_token'],
    [
      'an expired token',
      (of) => bearer(of.token({ claims: { exp: nowInSeconds() - 301 } })),
      401,
      'unauthorized',
      'invalid_token',
    ],
    [
      'another audience',
      (of) => bearer(of.token({ claims: { aud: 'https://other.example' } })),
      401,
      'unauthorized',
      'invalid_token',
    ],
    [
      'a malformed header',
      () => ({ headers: { authorization: 'Bearer a b' } }),
      401,
      'unauthorized',
      'invalid_token',
    ],
    [
      'a list',
      () => ({ headers: { authorization: 'Bearer a, Bearer b' } }),
      400,
      'bad request',
      'invalid_request',
    ],
  ];
  it.each(REFUSED)('refuses %s', async (_, present, status, message, code) => {
    const app = await boot([ChatGateway]);
    const member = await connect(library, app.origin, bearer(issuer.token()));
    const client = await connect(library, app.origin, present(issuer));
    expect(await client.whenEnded()).toEqual(refusedWith(library, status, message, code));
    member.send('open');
    await member.next('open');
    expect(client.received).toEqual([]);
    expect(ChatGateway.connected).toEqual(['user-1']);
  });

  it('asks for the scopes of the class at the handshake', async () => {
    const app = await boot([ReadingGateway]);
    const client = await connect(library, app.origin, bearer(issuer.token({ claims: { scope: 'other' } })));
    expect(await client.whenEnded()).toEqual(refusedWith(library, 403, 'forbidden', 'insufficient_scope'));
    const good = await connect(library, app.origin, bearer(issuer.token({ claims: { scope: 'chat:read' } })));
    good.send('read');
    expect(await good.next('read')).toBe('ok');
  });

  it('asks for the scopes of a handler at its message, and the connection stays', async () => {
    const app = await boot([ChatGateway]);
    const client = await connect(library, app.origin, bearer(issuer.token({ claims: { scope: 'other' } })));
    client.send('write', 'hello');
    expect(await client.next('exception')).toEqual({
      status: 'error',
      statusCode: 403,
      message: 'forbidden',
      errorCode: 'insufficient_scope',
    });
    client.send('who');
    await client.next('who');
    expect(ChatGateway.handled).toEqual(['who']);
    expect(client.ended).toBeUndefined();
  });

  it('lets everybody into a public gateway, and looks at the token where a handler asks for one', async () => {
    const app = await boot([LobbyGateway]);
    const nobody = await connect(library, app.origin);
    nobody.send('who');
    expect(await nobody.next('who')).toEqual({});
    nobody.send('mine');
    expect(await nobody.next('exception')).toMatchObject({ statusCode: 401, errorCode: 'missing_token' });
    const bad = await connect(library, app.origin, bearer('nonsense'));
    bad.send('mine');
    expect(await bad.next('exception')).toMatchObject({ statusCode: 401, errorCode: 'invalid_token' });
    const good = await connect(library, app.origin, bearer(issuer.token({ claims: { scope: 'chat:read' } })));
    good.send('mine');
    expect(await good.next('mine')).toEqual({ sub: 'user-1' });
    good.send('who');
    expect(await good.next('who')).toEqual({});
    expect(LobbyGateway.connected).toEqual([undefined, undefined, undefined]);
  });

  it('takes nobody and somebody where a token is optional, and no wrong one', async () => {
    const app = await boot([FeedGateway]);
    const nobody = await connect(library, app.origin);
    nobody.send('who');
    expect(await nobody.next('who')).toEqual({ sub: 'nobody' });
    nobody.send('write');
    expect(await nobody.next('exception')).toMatchObject({ statusCode: 401, errorCode: 'missing_token' });
    const somebody = await connect(library, app.origin, bearer(issuer.token()));
    somebody.send('who');
    expect(await somebody.next('who')).toEqual({ sub: 'user-1' });
    const bad = await connect(library, app.origin, bearer('nonsense'));
    expect(await bad.whenEnded()).toEqual(refusedWith(library, 401, 'unauthorized', 'invalid_token'));
  });

  it('is as closed as the most closed of the gateways of one place, with the scopes of all', async () => {
    const app = await boot([LobbyGateway, ChatGateway, ReadingGateway]);
    const nobody = await connect(library, app.origin);
    expect(await nobody.whenEnded()).toEqual(refusedWith(library, 401, 'unauthorized', 'missing_token'));
    const poor = await connect(library, app.origin, bearer(issuer.token({ claims: { scope: 'other' } })));
    expect(await poor.whenEnded()).toEqual(refusedWith(library, 403, 'forbidden', 'insufficient_scope'));
    const good = await connect(library, app.origin, bearer(issuer.token({ claims: { scope: 'chat:read' } })));
    expect(good.ended).toBeUndefined();
  });

  it('says that the provider cannot be asked', async () => {
    const app = await boot([ChatGateway], { warmUp: 'off' });
    issuer.server.goDown();
    const client = await connect(library, app.origin, bearer(issuer.token()));
    expect(await client.whenEnded()).toEqual(
      refusedWith(library, 503, 'service unavailable', 'temporarily_unavailable'),
    );
  });

  it('says that this server is at fault', async () => {
    const app = await boot([ChatGateway], {
      tokenResolver: () => {
        throw new Error('broken');
      },
    });
    const client = await connect(library, app.origin, bearer(issuer.token()));
    expect(await client.whenEnded()).toEqual(
      refusedWith(library, 500, 'internal server error', 'server_error'),
    );
  });

  it('hands the upgrade request to tokenResolver, and the other ways still count', async () => {
    const app = await boot([ChatGateway], {
      tokenResolver: ({ headers }) => /token=([^;]+)/.exec(headers.cookie ?? '')?.[1],
    });
    const token = issuer.token();
    const client = await connect(library, app.origin, { headers: { cookie: `token=${token}` } });
    expect(await client.next('joined')).toBe('user-1');
    const beside: Presented = library === 'ws' ? { protocols: ['bearer', token] } : { auth: { token } };
    expect((await connect(library, app.origin, beside)).ended).toBeUndefined();
    const both = await connect(library, app.origin, { ...beside, headers: { cookie: `token=${token}` } });
    expect(await both.whenEnded()).toEqual(refusedWith(library, 400, 'bad request', 'invalid_request'));
  });
});
