/** A provider whose certificate an authority of its own has signed: through the proxy of the environment, and closed in the end. */
import { Controller, Get } from '@nestjs/common';
import type { AuthModuleOptions } from 'nestjs-resource-server';
import { createServer as createProxy, type Server } from 'node:http';
import { createServer, type Server as TlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { bootApp, PLATFORMS } from '../support/app.js';
import { makeAuthority } from '../support/certificates.js';
import { bearer } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';

@Controller()
class OrdersController {
  @Get('orders') list(): string {
    return 'orders';
  }
}

const portOf = (server: Server | TlsServer): number => (server.address() as AddressInfo).port;
const listen = (server: Server | TlsServer): Promise<void> =>
  new Promise((resolve) => void server.unref().listen(0, '127.0.0.1', resolve));

/** What reads `process.env` while a test runs. */
function setEnvironment(variables: Record<string, string | undefined>): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  const set = ([name, value]: readonly [string, string | undefined]): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  Object.entries(variables).forEach(set);
  return () => before.forEach(set);
}

describe.each(PLATFORMS)('a provider with a certificate authority of its own, on %s', (platform) => {
  const sockets = new Set<Socket>();
  const tunnels: (string | undefined)[] = [];
  let keys: Issuer;
  let provider: TlsServer;
  let proxy: Server;
  let options: AuthModuleOptions;
  let token: string;
  let restore: (() => void) | undefined;

  beforeAll(async () => {
    keys = await Issuer.start();
    const authority = await makeAuthority();
    provider = createServer(await authority.issue({ commonName: 'provider', san: ['127.0.0.1'] }));
    await listen(provider);
    const issuer = `https://127.0.0.1:${portOf(provider)}`;
    provider.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    provider.on('request', ({ url }, response) => {
      const isKeys = url === '/jwks';
      response.end(
        JSON.stringify(isKeys ? { keys: [keys.key.jwk] } : { issuer, jwks_uri: `${issuer}/jwks` }),
      );
    });

    proxy = createProxy().on('connect', ({ url }, client: Socket) => {
      tunnels.push(url);
      const target = connect(portOf(provider), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(target).pipe(client);
      });
      for (const socket of [client, target])
        socket.on('error', () => [client, target].forEach((each) => each.destroy()));
    });
    await listen(proxy);
    options = { issuer, audience: AUDIENCE, providerCa: authority.cert };
    token = keys.token({ claims: { iss: issuer } });
  });
  afterAll(async () => {
    provider.closeAllConnections();
    await Promise.all([provider, proxy].map((server) => new Promise((resolve) => server.close(resolve))));
    await keys.close();
  });
  beforeEach(() => void (tunnels.length = 0));
  afterEach(() => restore?.());

  const callOnce = async (more: AuthModuleOptions = {}): Promise<number> => {
    const app = await bootApp({ ...options, ...more }, { platform, controllers: [OrdersController] });
    const { status } = await app.get('/orders', bearer(token));
    await app.close();
    return status;
  };
  const proxyAddress = (): string => `http://127.0.0.1:${portOf(proxy)}`;

  it('keeps no connection to it after the end', async () => {
    expect(await callOnce()).toBe(200);
    // The provider hears of the end in a moment.
    for (let turn = 0; turn < 1000 && sockets.size > 0; turn++) await new Promise(setImmediate);
    expect(sockets.size).toBe(0);
    expect(tunnels).toEqual([]);
  });

  it('is asked through the proxy of the environment, as without providerCa', async () => {
    restore = setEnvironment({ NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: proxyAddress(), NO_PROXY: undefined });
    expect(await callOnce()).toBe(200);
    expect(new Set(tunnels)).toEqual(new Set([`127.0.0.1:${portOf(provider)}`]));
  });

  it('is asked through it where NODE_OPTIONS says so', async () => {
    restore = setEnvironment({
      NODE_OPTIONS: '--use-env-proxy',
      HTTPS_PROXY: proxyAddress(),
      NO_PROXY: undefined,
    });
    expect(await callOnce()).toBe(200);
    expect(tunnels).not.toEqual([]);
  });

  it.each<[string, Record<string, string>]>([
    ['nothing turns it on', {}],
    ['it is turned off', { NODE_USE_ENV_PROXY: '0' }],
    ['NO_PROXY names the provider', { NODE_USE_ENV_PROXY: '1', NO_PROXY: '127.0.0.1' }],
  ])('is asked directly where %s', async (_, variables) => {
    restore = setEnvironment({ HTTPS_PROXY: proxyAddress(), ...variables });
    expect(await callOnce()).toBe(200);
    expect(tunnels).toEqual([]);
  });

  it('is refused behind it with the certificate of another authority', async () => {
    const stranger = await makeAuthority('Another Authority');
    restore = setEnvironment({ NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: proxyAddress(), NO_PROXY: undefined });
    expect(await callOnce({ providerCa: stranger.cert })).toBe(503);
    expect(tunnels).not.toEqual([]);
  });
});
