/** Certificates and DPoP at WebSocket handshakes, and what else socket.io has: several namespaces, instances behind Redis, volatile events. */
import { Inject } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { createClient } from '@redis/client';
import { createAdapter } from '@socket.io/redis-adapter';
import { createHash } from 'node:crypto';
import {
  AuthModule,
  CertBound,
  certificateFromHeader,
  ConnectionAuthenticator,
  DPoPBound,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { WebSocket } from 'ws';
import type { TestApp } from '../support/app.js';
import { makeAuthority, type Certificate } from '../support/certificates.js';
import { DPoPClient } from '../support/dpop.js';
import { Issuer } from '../support/issuer.js';
import { outputLogger } from '../support/output-logger.js';
import { describeWith, REDIS_URL } from '../support/redis.js';
import {
  bearer,
  bootGateways,
  closeClients,
  connect,
  IoTestClient,
  LIBRARIES,
  refusedWith,
  WsTestClient,
  type Library,
  type Presented,
  type TestClient,
} from '../support/sockets.js';

@WebSocketGateway()
class PayoutGateway {
  @WebSocketServer() server: unknown;
  constructor(@Inject(ConnectionAuthenticator) private readonly connections: ConnectionAuthenticator) {}
  @SubscribeMessage('who') who(): unknown {
    return { event: 'who', data: 'ok' };
  }
  @SubscribeMessage('payout') @CertBound() payout(): unknown {
    return { event: 'paid', data: 'ok' };
  }
  @SubscribeMessage('prove') @DPoPBound() prove(): unknown {
    return { event: 'proven', data: 'ok' };
  }
  @SubscribeMessage('renew') async renew(
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

@WebSocketGateway({ namespace: 'other' })
class OtherGateway extends PayoutGateway {}

const refused = (library: Library): unknown => refusedWith(library, 401, 'unauthorized', 'invalid_token');
const thumbprint = ({ der }: Certificate): string => createHash('sha256').update(der).digest('base64url');

describe.each(LIBRARIES)('sender-constrained tokens: %s', (library) => {
  let issuer: Issuer;
  let server: Certificate;
  let owner: Certificate;
  let thief: Certificate;
  let app: TestApp | undefined;
  beforeAll(async () => {
    const authority = await makeAuthority();
    server = await authority.issue({ commonName: 'localhost', san: ['127.0.0.1', 'localhost'] });
    [owner, thief] = [
      await authority.issue({ commonName: 'client' }),
      await authority.issue({ commonName: 'thief' }),
    ];
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    closeClients();
    await app?.close();
    app = undefined;
  });
  afterAll(() => issuer.close());
  const boot = async (options: AuthModuleOptions = {}): Promise<TestApp> =>
    (app = await bootGateways(
      library,
      { ...issuer.options, ...options },
      { gateways: [PayoutGateway] as never },
    ));
  const certified = (to: Certificate): string =>
    issuer.token({ claims: { cnf: { 'x5t#S256': thumbprint(to) } } });

  it('compares the certificate of the TLS connection, once, for the connection and its renewals', async () => {
    const module = await Test.createTestingModule({
      imports: [AuthModule.forRoot(issuer.options)],
      providers: [PayoutGateway],
    })
      .setLogger(outputLogger)
      .compile();
    const nest = module.createNestApplication(new ExpressAdapter(), {
      httpsOptions: { key: server.key, cert: server.cert, requestCert: true, rejectUnauthorized: false },
    });
    nest.useWebSocketAdapter(library === 'ws' ? new WsAdapter(nest) : new IoAdapter(nest));
    await nest.listen(0, '127.0.0.1');
    const origin = await nest.getUrl();
    const over = (token: string, certificate?: Certificate): Promise<TestClient> => {
      const tls = {
        rejectUnauthorized: false,
        ...(certificate && { cert: certificate.cert, key: certificate.key }),
      };
      return library === 'ws'
        ? WsTestClient.open(origin, bearer(token), '/', tls)
        : IoTestClient.open(origin, bearer(token), {}, tls);
    };
    const good = await over(certified(owner), owner);
    good.send('payout');
    await good.next('paid');
    good.send('renew', certified(owner));
    expect(await good.next('renewed')).toBe(true);
    good.send('payout');
    await good.next('paid');
    good.send('renew', certified(thief));
    expect(await good.next('renewed')).toBe(false);
    good.send('renew', issuer.token());
    expect(await good.next('renewed')).toBe(false);
    const stolen = await over(certified(owner), thief);
    expect(await stolen.whenEnded()).toEqual(refused(library));
    const without = await over(certified(owner));
    expect(await without.whenEnded()).toEqual(refused(library));
    const unbound = await over(issuer.token(), owner);
    unbound.send('payout');
    expect(await unbound.next('exception')).toMatchObject({ statusCode: 401, errorCode: 'invalid_token' });
    for (const each of [good, unbound]) each.close();
    await nest.close();
  });

  it("takes a proxy's header from a proxy only", async () => {
    const certificateResolver = certificateFromHeader({ format: 'rfc9440', trustedProxies: ['loopback'] });
    const header = { 'client-cert': `:${owner.der.toString('base64')}:` };
    const trusting = await boot({ certificateResolver });
    const token = certified(owner);
    const good = await connect(library, trusting.origin, {
      headers: { ...header, authorization: `Bearer ${token}` },
    });
    good.send('payout');
    await good.next('paid');
    const none = await connect(library, trusting.origin, bearer(token));
    expect(await none.whenEnded()).toEqual(refused(library));
    closeClients();
    await trusting.close();
    const wary = await boot({
      certificateResolver: certificateFromHeader({ format: 'rfc9440', trustedProxies: ['10.0.0.1'] }),
    });
    const forged = await connect(library, wary.origin, {
      headers: { ...header, authorization: `Bearer ${token}` },
    });
    expect(await forged.whenEnded()).toEqual(refused(library));
  });

  it('verifies a proof once, at the handshake, and renews with a token of the same key only', async () => {
    const { origin } = await boot();
    const [key, other] = [await DPoPClient.make(), await DPoPClient.make()];
    const boundTo = ({ jkt }: DPoPClient): string => issuer.token({ claims: { cnf: { jkt } } });
    const token = boundTo(key);
    const url = `${origin}${library === 'ws' ? '/' : '/socket.io/'}`;
    const client = await connect(library, origin, { headers: key.headers({ token, url }) });
    for (let i = 0; i < 3; i++) {
      client.send('prove');
      await client.next('proven');
    }
    client.send('renew', boundTo(key));
    expect(await client.next('renewed')).toBe(true);
    client.send('prove');
    await client.next('proven');
    client.send('renew', boundTo(other));
    expect(await client.next('renewed')).toBe(false);
    const posted = await connect(library, origin, { headers: key.headers({ token, url, method: 'POST' }) });
    expect((await posted.whenEnded()).code ?? 1008).toBe(1008);
    const stolen = await connect(library, origin, { headers: other.headers({ token, url }) });
    expect((await stolen.whenEnded()).code ?? 1008).toBe(1008);
  });
});

it('names the nonce to use in the answer to the upgrade', async () => {
  const issuer = await Issuer.start();
  const app = await bootGateways(
    'ws',
    { ...issuer.options, dpop: { nonce: 'a-secret-of-at-least-32-characters-for-nonces' } },
    { gateways: [PayoutGateway] as never },
  );
  const key = await DPoPClient.make();
  const token = issuer.token({ claims: { cnf: { jkt: key.jkt } } });
  const url = `${app.origin}/`;
  const socket = new WebSocket(app.origin.replace('http', 'ws'), { headers: key.headers({ token, url }) });
  const nonce = await new Promise<string>((resolve) => {
    socket.once('upgrade', ({ headers }) => resolve(String(headers['dpop-nonce'])));
  });
  const headers = key.headers({ token, url }, { claims: { nonce } });
  expect((await connect('ws', app.origin, { headers })).ended).toBeUndefined();
  closeClients();
  await app.close();
  await issuer.close();
});

it('holds a proof for all namespaces of a connection', async () => {
  const issuer = await Issuer.start();
  const app = await bootGateways('socket.io', issuer.options, {
    gateways: [PayoutGateway, OtherGateway] as never,
  });
  const key = await DPoPClient.make();
  const token = issuer.token({ claims: { cnf: { jkt: key.jkt } } });
  const presented: Presented = { headers: key.headers({ token, url: `${app.origin}/socket.io/` }) };
  const first = (await connect('socket.io', app.origin, presented)) as IoTestClient;
  const other = new IoTestClient(first.socket.io.socket('/other'));
  other.socket.connect();
  other.send('prove');
  await other.next('proven');
  first.send('prove');
  await first.next('proven');
  closeClients();
  await app.close();
  await issuer.close();
});

describeWith(
  REDIS_URL !== undefined,
  'REDIS_URL names no Redis',
  'instances of socket.io behind Redis',
  () => {
    it('broadcast to one another, and only to those who are let in', async () => {
      const issuer = await Issuer.start();
      const clients = await Promise.all(
        [0, 1, 2, 3].map(async () => {
          const client = createClient({ url: REDIS_URL as string });
          await client.connect();
          return client;
        }),
      );
      const bootInstance = (publisher: unknown, subscriber: unknown): Promise<TestApp> => {
        class RedisIoAdapter extends IoAdapter {
          override createIOServer(port: number, options?: object): never {
            const server = super.createIOServer(port, options as never) as { adapter(made: unknown): void };
            server.adapter(createAdapter(publisher, subscriber));
            return server as never;
          }
        }
        return bootGateways('socket.io', issuer.options, {
          gateways: [PayoutGateway] as never,
          beforeListening: (nest) => void nest.useWebSocketAdapter(new RedisIoAdapter(nest)),
        });
      };
      const [here, there] = [
        await bootInstance(clients[0], clients[1]),
        await bootInstance(clients[2], clients[3]),
      ];
      const member = await connect('socket.io', there.origin, bearer(issuer.token()));
      const stranger = await connect('socket.io', there.origin);
      expect(stranger.ended).toMatchObject({ message: 'unauthorized' });
      const { server } = here.nest.get(PayoutGateway) as unknown as {
        server: {
          emit(event: string, data: unknown): void;
          volatile: { emit(event: string, data: unknown): void };
        };
      };
      server.emit('news', 'one');
      expect(await member.next('news')).toBe('one');
      server.volatile.emit('news', 'two');
      expect(await member.next('news')).toBe('two');
      expect(stranger.received).toEqual([]);
      closeClients();
      await here.close();
      await there.close();
      for (const client of clients) await client.close();
      await issuer.close();
    });
  },
);
