/** Which URL a DPoP proof must name: hosts that are this API's own in every spelling, and paths that routers read otherwise. */
import { Controller, Get, Param } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test, type TestingModule } from '@nestjs/testing';
import { AuthModule, type AuthModuleOptions } from 'nestjs-resource-server';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootApp, PLATFORMS, type Platform, type TestApp } from '../support/app.js';
import { selfSigned } from '../support/certificates.js';
import { DPoPClient } from '../support/dpop.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { loggedLines, outputLogger } from '../support/no-secrets-in-output.js';
import { sendBytes } from '../support/raw-socket.js';

@Controller()
class ThingsController {
  @Get('things') list(): string {
    return 'things';
  }
  @Get('x/d') literal(): string {
    return 'x/d';
  }
  @Get('x/:id') item(@Param('id') id: string): string {
    return id;
  }
  @Get('files/:folder/:name') file(): string {
    return 'file';
  }
  @Get('files/:a/:b/:c') deepFile(): string {
    return 'file';
  }
  @Get('files/:a/:b/:c/:d') deeperFile(): string {
    return 'file';
  }
}

let issuer: Issuer;
let client: DPoPClient;
beforeAll(async () => {
  [issuer, client] = [await Issuer.start(), await DPoPClient.make()];
});
afterAll(() => issuer.close());

/** What a test opened: closed also where it fails. */
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close();
});

const boundHeaders = (htu: string): Record<string, string> =>
  client.headers({ url: htu, token: issuer.token({ claims: { cnf: { jkt: client.jkt } } }) });
const lines = (headers: Record<string, string>): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');

/** Sent as they stand here: an HTTP client would not. `proof`: the path in the proof. */
const RESPELLED: readonly { readonly sent: string; readonly proof: string; readonly status: 200 | 401 }[] = [
  ...['..', '%2e%2e', '%2E%2e', '.%2E', '%2e.'].map((dots) => ({
    sent: `/files/${dots}/x/d`,
    proof: '/x/d',
    status: 401 as const,
  })),
  { sent: '/files/../x/d', proof: '/files/../x/d', status: 401 },
  { sent: '/files/%2e%2e/x/d', proof: '/files/%2e%2e/x/d', status: 401 },
  { sent: '/files/./x/d', proof: '/files/x/d', status: 401 },
  { sent: '/files/%2e/x/d', proof: '/files/x/d', status: 401 },
  { sent: '/files/x/d/..', proof: '/files/x/', status: 401 },
  { sent: '/files/x/%2e', proof: '/files/x/', status: 401 },
  { sent: '/files/x/..?q=/', proof: '/files/', status: 401 },
  { sent: '/files/x/..\\d', proof: '/files/d', status: 401 },
  { sent: '/files/x/a\\d', proof: '/files/x/a/d', status: 401 },
  { sent: '/files/x/a\\d', proof: '/files/x/a\\d', status: 401 },
  // The router of Express takes this for `x/:id`.
  { sent: '/x/%64', proof: '/x/d', status: 401 },
  { sent: '/x/%64', proof: '/x/%64', status: 200 },
  { sent: '/x/%64?q=%64', proof: '/x/%64?q=d', status: 200 },
  { sent: '/x/%7Ee', proof: '/x/~e', status: 401 },
  { sent: '/x/%7Ee', proof: '/x/%7ee', status: 200 },
  { sent: '/x/~e', proof: '/x/%7Ee', status: 200 },
  { sent: '/x/e', proof: '/files/../x/%65', status: 200 },
  { sent: '/x/%c3%a9', proof: '/x/%C3%A9', status: 200 },
  { sent: '/x/%c3%a9', proof: '/x/\u00e9', status: 200 },
  { sent: '/x/a%2F..%2Fb', proof: '/x/a%2f..%2fb', status: 200 },
  { sent: '/x/a%2F..%2Fb', proof: '/x/b', status: 401 },
  { sent: '/x/%252e%252e', proof: '/x/%252e%252e', status: 200 },
  { sent: '/x/%252e%252e', proof: '/', status: 401 },
  { sent: '/x/..e', proof: '/x/..e', status: 200 },
  { sent: '/x/{e}', proof: '/x/%7Be%7D', status: 200 },
  { sent: '/x/e?y=/../z', proof: '/x/e', status: 200 },
];

describe.each(PLATFORMS)('the target of a DPoP proof on %s', (platform) => {
  const boot = async (options: AuthModuleOptions = {}): Promise<TestApp> => {
    const app = await bootApp(
      { ...issuer.options, ...options },
      { platform, controllers: [ThingsController] },
    );
    opened.push(app);
    return app;
  };

  const lastRefusal = (): string =>
    loggedLines().findLast((each) => /^ThingsController\.\w+: 401 /.test(each)) ?? '';

  it.each([undefined, 'https://shop.example/base'])(
    'is a path as the router reads it (publicUrl %s)',
    async (publicUrl) => {
      const app = await boot({ publicUrl });
      const { host } = new URL(app.origin);
      for (const { sent, proof, status } of RESPELLED) {
        const headers = boundHeaders((publicUrl ?? app.origin) + proof);
        const bytes = `GET ${sent} HTTP/1.1\r\nHost: ${host}\r\n${lines(headers)}Connection: close\r\n\r\n`;
        expect([sent, proof, await sendBytes(app.origin, bytes)]).toEqual([sent, proof, status]);
        if (status === 401)
          expect([sent, lastRefusal()]).toEqual([sent, expect.stringMatching(/dot segments|htu is/)]);
      }
    },
  );

  it('is not the Host of another server', async () => {
    const app = await boot();
    for (const host of ['evil.example', `evil.example:${new URL(app.origin).port}`]) {
      const headers = { ...boundHeaders(`http://${host}/things`), host, 'x-forwarded-host': host };
      expect((await app.get('/things', headers)).status).toBe(401);
      expect(lastRefusal()).toContain('the Host of the request is not one of this API');
    }
  });

  it('is not one of two Hosts', async () => {
    const app = await boot();
    const { host } = new URL(app.origin);
    for (const hosts of [
      [host, 'evil.example'],
      ['evil.example', host],
      [host, host],
    ]) {
      for (const named of new Set(hosts)) {
        const headers = [
          ...hosts.map((each) => ['Host', each] as const),
          ...Object.entries(boundHeaders(`http://${named}/things`)),
        ];
        expect((await app.get('/things', headers)).status).not.toBe(200);
      }
    }
  });

  it('has the host of an audience in any spelling, over HTTP', async () => {
    const audience = [AUDIENCE, 'HTTP://Shop.Example:80/v1', 'https://other.example:8443', 'api://orders'];
    const app = await boot({ audience });
    const status = async (host: string, htu: string): Promise<number> =>
      (await app.get('/things', { ...boundHeaders(htu), host })).status;
    for (const host of [
      'shop.example',
      'shop.example:80',
      'SHOP.example',
      'shop.example:',
      'Shop.Example:80',
    ]) {
      expect([host, await status(host, 'http://shop.example/things')]).toEqual([host, 200]);
      expect([host, await status(host, 'http://SHOP.EXAMPLE:80/things')]).toEqual([host, 200]);
      expect([host, await status(host, 'http://evil.example/things')]).toEqual([host, 401]);
    }
    expect(await status('OTHER.example:8443', 'http://other.example:8443/things')).toBe(200);
    for (const host of [
      'shop.example:443',
      'shop.example:8080',
      'other.example',
      'shop.example.',
      'x.shop.example',
      'shop.example@evil.example',
      'evil.example/shop.example',
      'orders',
    ]) {
      expect([host, await status(host, `http://${host}/things`)]).not.toEqual([host, 200]);
    }
  });

  it('has the host of an audience in any spelling, over TLS', async () => {
    const tls = await bootTls(platform, { audience: [AUDIENCE, 'https://shop.example'] });
    const status = (host: string, htu: string): Promise<number> =>
      statusOf(
        httpsRequest(`${tls.origin}/things`, {
          headers: { ...boundHeaders(htu), host },
          rejectUnauthorized: false,
          agent: false,
        }),
      );
    for (const host of ['shop.example', 'shop.example:443', 'SHOP.example:443']) {
      expect([host, await status(host, 'https://shop.example/things')]).toEqual([host, 200]);
      expect([host, await status(host, 'https://shop.example:443/things')]).toEqual([host, 200]);
      expect([host, await status(host, 'http://shop.example/things')]).toEqual([host, 401]);
    }
    expect(await status('shop.example:80', 'https://shop.example:80/things')).toBe(401);
  });

  it('has a loopback host only where the connection came in on a loopback address', async () => {
    const app = await boot();
    const directory = await mkdtemp(join(tmpdir(), 'dpop-'));
    const socketPath = join(directory, 'socket');
    // As a proxy on the same machine connects: the address of a Unix socket is none.
    opened.push({ close: () => rm(directory, { recursive: true }) });
    const onSocket = createServer((socket) =>
      (app.nest.getHttpServer() as Server).emit('connection', socket),
    );
    await once(onSocket.listen(socketPath), 'listening');
    opened.push(onSocket);
    const { port } = new URL(app.origin);
    for (const host of ['localhost', '127.0.0.1', '[::1]', `localhost:${port}`, 'LOCALHOST', '127.1']) {
      const name = host === '127.1' ? '127.0.0.1' : host.toLowerCase();
      const call = (options: object): Promise<number> =>
        statusOf(
          httpRequest({
            ...options,
            path: '/things',
            agent: false,
            headers: { ...boundHeaders(`http://${name}/things`), host },
          }),
        );
      expect([host, await call({ socketPath })]).toEqual([host, 401]);
      expect([host, await call({ host: '127.0.0.1', port })]).toEqual([host, 200]);
    }
  });
});

describe('the target of a DPoP proof over HTTP/2 (Fastify; Express has none)', () => {
  it('has the host of :authority, which a Host must not contradict', async () => {
    const tls = await bootTls('HTTP/2', { audience: [AUDIENCE, 'https://shop.example'] });
    const session = connectHttp2(tls.origin, { rejectUnauthorized: false });
    opened.push(session);
    const status = async (htu: string, pseudo: Record<string, string>): Promise<number> => {
      const stream = session.request({ ':path': '/things', ...pseudo, ...boundHeaders(htu) });
      const [headers] = (await once(stream, 'response')) as [{ readonly ':status': number }];
      stream.resume();
      return headers[':status'];
    };
    const shop = 'https://shop.example/things';
    expect(await status(`${tls.origin}/things`, {})).toBe(200);
    expect(await status(shop, { ':authority': 'SHOP.example:443' })).toBe(200);
    expect(await status(shop, { ':authority': 'shop.example', host: 'shop.example' })).toBe(200);
    expect(await status(shop, { ':authority': 'shop.example', host: 'evil.example' })).toBe(401);
    expect(await status(shop, { ':authority': 'evil.example', host: 'shop.example' })).toBe(401);
    expect(await status('https://evil.example/things', { ':authority': 'evil.example' })).toBe(401);
  });
});

async function bootTls(
  platform: Platform | 'HTTP/2',
  options: AuthModuleOptions,
): Promise<{ readonly origin: string }> {
  const { key, cert } = await selfSigned({ commonName: 'localhost', san: ['127.0.0.1'] });
  const module = await Test.createTestingModule({
    imports: [AuthModule.forRoot({ ...issuer.options, ...options })],
    controllers: [ThingsController],
  })
    .setLogger(outputLogger)
    .compile();
  const nest = createApplication(module, platform, { key, cert });
  opened.push(nest);
  await nest.listen(0, '127.0.0.1');
  const { port } = (nest.getHttpServer() as Server).address() as AddressInfo;
  return { origin: `https://127.0.0.1:${port}` };
}

function createApplication(
  module: TestingModule,
  platform: Platform | 'HTTP/2',
  https: { readonly key: string; readonly cert: string },
): ReturnType<TestingModule['createNestApplication']> {
  if (platform === 'Express')
    return module.createNestApplication(new ExpressAdapter(), { httpsOptions: https });
  const adapter =
    platform === 'HTTP/2' ? new FastifyAdapter({ http2: true, https }) : new FastifyAdapter({ https });
  return module.createNestApplication<NestFastifyApplication>(adapter as FastifyAdapter);
}

function statusOf(request: ReturnType<typeof httpRequest>): Promise<number> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response: IncomingMessage) =>
      response.resume().on('end', () => resolve(response.statusCode ?? 0)),
    );
    request.end();
  });
}
