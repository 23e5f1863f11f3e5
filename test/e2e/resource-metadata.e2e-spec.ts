/** Does a client find out what it needs to get a token? RFC 9728. */
import { All, Controller, Get, VersioningType } from '@nestjs/common';
import {
  AuthModule,
  CertBound,
  ConfigurationError,
  DPoPBound,
  OptionalAuth,
  Public,
  RouteTable,
  Scopes,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { Test } from '@nestjs/testing';
import * as oauth from 'oauth4webapi';
import { bootApp, PLATFORMS, type AppSettings, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

@Controller('orders')
@Scopes('read:orders')
class OrdersController {
  @Get() list(): string {
    return 'orders';
  }
  @Get('more') @Scopes('admin') more(): string {
    return 'more';
  }
  @Get('teaser') @OptionalAuth() teaser(): string {
    return 'teaser';
  }
  @Get('status') @Public() status(): string {
    return 'up';
  }
}

@Controller('bound')
class BoundController {
  @Get('key') @DPoPBound() byKey(): string {
    return 'key';
  }
  @Get('certificate') @CertBound() byCertificate(): string {
    return 'certificate';
  }
}

@Controller()
class GreedyController {
  @All('*') @Scopes('greedy') all(): string {
    return 'all';
  }
}

let issuer: Issuer;
beforeAll(async () => {
  issuer = await Issuer.start();
});
afterAll(() => issuer.close());

describe.each(PLATFORMS)('resource metadata on %s', (platform) => {
  let app: TestApp | undefined;
  const boot = async (
    options: AuthModuleOptions = {},
    settings: Partial<AppSettings> = {},
  ): Promise<TestApp> =>
    (app = await bootApp(
      { ...issuer.options, resourceMetadata: true, ...options },
      { platform, controllers: [OrdersController], ...settings },
    ));
  const read = async (options: AuthModuleOptions, settings?: Partial<AppSettings>): Promise<unknown> =>
    (await (await boot(options, settings)).get(WELL_KNOWN)).body;

  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  it('is not there unless asked for', async () => {
    const booted = await boot({ resourceMetadata: false });
    expect((await booted.get(WELL_KNOWN)).status).toBe(404);
    expect((await booted.get('/orders')).headers['www-authenticate']).toBe('Bearer');
  });

  it('names the resource, its issuer and the scopes of its decorators, and nothing that is not so', async () => {
    const answer = await (await boot()).get(WELL_KNOWN);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json\b/);
    expect(answer.headers['cache-control']).toBe('public, max-age=300');
    expect(answer.body).toEqual({
      resource: AUDIENCE,
      authorization_servers: [issuer.server.issuer],
      scopes_supported: ['admin', 'read:orders'],
      bearer_methods_supported: ['header'],
    });
  });

  it('names the issuer as it calls itself, once that is known, and asks nobody for it', async () => {
    // Of the one that all tests share, applications that have just been closed may still fetch something.
    const own = await Issuer.start();
    const configured = `${own.server.issuer}/`;
    const named = async (booted: TestApp): Promise<unknown> =>
      ((await booted.get(WELL_KNOWN)).body as oauth.ResourceServer).authorization_servers;
    const booted = await boot({ issuer: configured, warmUp: 'off' });
    const before = own.server.requests.length;
    expect(await named(booted)).toEqual([configured]);
    expect(own.server.requests).toHaveLength(before);
    const token = own.token({ claims: { scope: 'read:orders' } });
    expect((await booted.get('/orders', bearer(token))).status).toBe(200);
    expect(await named(booted)).toEqual([own.server.issuer]);
    await booted.close();
    expect(await named(await boot({ issuer: configured, warmUp: 'required' }))).toEqual([own.server.issuer]);
    await own.close();
  });

  it.each([
    ['another URL than its audience', { resource: 'https://shop.example/api' }, 1],
    ['its audience', { resource: AUDIENCE }, 0],
    ['its audience, by default', {}, 0],
  ])('warns of a resource that no token can be for: %s', async (_, resourceMetadata, warnings) => {
    await boot({ resourceMetadata: resourceMetadata as never });
    const lines = loggedLines().filter((line) => line.includes('which audience does not contain'));
    expect(lines).toHaveLength(warnings);
    if (warnings > 0) expect(lines[0]).toContain('"https://shop.example/api"');
  });

  it('says what the application says', async () => {
    const said = {
      resource: 'https://shop.example/api/',
      authorizationServers: ['https://one.example', 'https://two.example/'],
      scopesSupported: [],
      resourceName: 'The shop',
      resourceDocumentation: 'https://shop.example/docs',
      resourcePolicyUri: 'https://shop.example/policy',
      resourceTosUri: 'https://shop.example/terms',
    };
    const booted = await boot({ resourceMetadata: said, tokenResolver: () => undefined });
    expect((await booted.get(WELL_KNOWN)).status).toBe(404);
    expect((await booted.get(`${WELL_KNOWN}/api/`)).body).toEqual({
      resource: 'https://shop.example/api/',
      authorization_servers: ['https://one.example', 'https://two.example/'],
      resource_name: 'The shop',
      resource_documentation: 'https://shop.example/docs',
      resource_policy_uri: 'https://shop.example/policy',
      resource_tos_uri: 'https://shop.example/terms',
    });
  });

  it('names DPoP and mTLS where an option or a decorator asks for them', async () => {
    const algs = expect.arrayContaining(['ES256', 'RS256']) as unknown;
    expect(await read({ dpop: { mode: 'required' }, validateCertificateBinding: 'required' })).toMatchObject({
      dpop_signing_alg_values_supported: algs,
      dpop_bound_access_tokens_required: true,
      tls_client_certificate_bound_access_tokens: true,
    });
    await app?.close();
    const byDecorator = await read({}, { controllers: [BoundController] });
    expect(byDecorator).toMatchObject({
      dpop_signing_alg_values_supported: algs,
      tls_client_certificate_bound_access_tokens: true,
    });
    expect(byDecorator).not.toHaveProperty('dpop_bound_access_tokens_required');
    await app?.close();
    const offered = await read({ dpop: { mode: 'when_present' } });
    expect(offered).toMatchObject({ dpop_signing_alg_values_supported: algs });
    expect(offered).not.toHaveProperty('dpop_bound_access_tokens_required');
  });

  it('comes before a route that answers to everything', async () => {
    const document = await read({}, { controllers: [GreedyController] });
    expect(document).toMatchObject({ resource: AUDIENCE, scopes_supported: ['greedy'] });
  });

  it('stands at the root of the host, whatever prefix and versions there are', async () => {
    const booted = await boot(
      { publicUrl: 'https://shop.example/api' },
      {
        beforeListening: (nest) => {
          nest.setGlobalPrefix('api');
          nest.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
        },
      },
    );
    const answer = await booted.get(`${WELL_KNOWN}/api`);
    expect(answer.body).toMatchObject({
      resource: 'https://shop.example/api',
      scopes_supported: ['admin', 'read:orders'],
    });
    expect((await booted.get('/api/v1/orders')).status).toBe(401);
  });

  it('is open to every page, whatever the application’s own CORS says', async () => {
    const booted = await boot(
      {},
      { beforeListening: (nest) => nest.enableCors({ origin: 'https://only.example', credentials: true }) },
    );
    const origin = { origin: 'https://any.example' };
    const answer = await booted.get(WELL_KNOWN, origin);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
    const preflight = await booted.send(WELL_KNOWN, {
      method: 'OPTIONS',
      headers: {
        ...origin,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'mcp-protocol-version',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-allow-headers': '*',
    });
    const head = await booted.send(WELL_KNOWN, { method: 'HEAD' });
    expect([head.status, head.text]).toEqual([200, '']);
    expect(head.headers['content-type']).toMatch(/^application\/json\b/);
  });

  it('is named in every challenge, of both schemes', async () => {
    const url = `https://shop.example${WELL_KNOWN}/api`;
    const booted = await boot({ publicUrl: 'https://shop.example/api', dpop: { mode: 'when_present' } });
    const challengesAt = async (path: string, headers?: Record<string, string>): Promise<unknown> => {
      const answer = await booted.get(path, headers);
      return [answer.status, answer.headers['www-authenticate']];
    };
    const algs = '[^"]+';
    const dpop = `DPoP algs="${algs}", resource_metadata="${url}"`;
    const naming = (status: number, bearerChallenge: string): unknown => [
      status,
      expect.stringMatching(new RegExp(`^${bearerChallenge}resource_metadata="${url}", ${dpop}$`)),
    ];
    expect(await challengesAt('/orders')).toEqual([
      401,
      expect.stringMatching(
        new RegExp(
          `^Bearer scope="read:orders", resource_metadata="${url}", ` +
            `DPoP scope="read:orders", algs="${algs}", resource_metadata="${url}"$`,
        ),
      ),
    ]);
    expect(await challengesAt('/orders', bearer('not.a.token'))).toEqual(
      naming(401, 'Bearer error="invalid_token", error_description="[^"]+", '),
    );
    expect(await challengesAt('/orders', bearer(issuer.token({ claims: { scope: 'other' } })))).toEqual(
      naming(403, 'Bearer error="insufficient_scope", scope="read:orders", '),
    );
    expect(await challengesAt('/orders', { authorization: 'DPoP not.a.token' })).toEqual([
      401,
      expect.stringMatching(
        new RegExp(`^DPoP error="[^"]+", .*algs="${algs}", resource_metadata="${url}", Bearer resource_`),
      ),
    ]);
  });

  it('is no route that the audit would miss a decorator on', async () => {
    const booted = await boot({ audit: 'error' });
    expect(booted.nest.get(RouteTable).toText()).not.toContain('well-known');
  });

  it('is what oauth4webapi expects', async () => {
    const booted = await boot({ resourceMetadata: { resource: 'https://shop.example/api' } });
    const resource = new URL('https://shop.example/api');
    const response = await oauth.resourceDiscoveryRequest(resource, {
      // Nobody else answers for that host.
      [oauth.customFetch]: (url) => fetch(url.replace('https://shop.example', booted.origin)),
    });
    const server = await oauth.processResourceDiscoveryResponse(resource, response);
    expect(server.authorization_servers).toEqual([issuer.server.issuer]);
  });
});

describe('resource metadata, said wrongly', () => {
  const mistake = async (options: AuthModuleOptions): Promise<string> => {
    const error: unknown = await Test.createTestingModule({
      imports: [AuthModule.forRoot({ ...issuer.options, resourceMetadata: true, ...options })],
    })
      .compile()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigurationError);
    return error instanceof Error ? error.message : '';
  };

  const resourceOf = (resource: string): AuthModuleOptions => ({ resourceMetadata: { resource } });

  it.each<[string, AuthModuleOptions, string]>([
    [
      'no name',
      { audience: ['orders', 'urn:orders'] },
      'resourceMetadata (MONOCLOUD_BACKEND_RESOURCE_METADATA): requires a resource',
    ],
    ['no flag', { resourceMetadata: 'perhaps' } as never, '"perhaps" is neither true nor false'],
    ['no URL', resourceOf('orders'), 'resourceMetadata.resource: "orders" is not a URL'],
    ['a fragment', resourceOf('https://a.example#b'), 'must not have a fragment'],
    ['an empty fragment', resourceOf('https://a.example#'), 'must not have a fragment'],
    ['credentials', resourceOf('https://me:you@a.example'), 'must not have credentials'],
    ['no https', { publicUrl: 'http://a.example' }, '"http://a.example" is not https'],
    ['a pattern', resourceOf('https://a.example/:tenant'), 'has a path with other characters than'],
    [
      'a typing mistake',
      { resourceMetadata: { scopes: [] } } as never,
      'resourceMetadata.scopes: is not an option',
    ],
    [
      'no server',
      { resourceMetadata: { authorizationServers: [] } },
      'resourceMetadata.authorizationServers: is empty',
    ],
  ])('stops the start: %s', async (_, options, message) => {
    expect(await mistake(options)).toContain(message);
  });

  it('comes in one message with the others', async () => {
    expect(await mistake({ audience: 'orders', responseTimeout: 0 })).toMatch(/^AuthModule: 2 problems/);
  });

  it('takes the variable, the first audience that is a URL, and http on loopback', async () => {
    const variable = 'MONOCLOUD_BACKEND_RESOURCE_METADATA';
    process.env[variable] = 'TRUE';
    const { resourceMetadata: _, ...options } = {
      ...issuer.options,
      audience: ['orders', 'http://127.0.0.1/api'],
    };
    const app = await bootApp(options, { platform: 'Express', controllers: [] });
    delete process.env[variable];
    expect((await app.get(`${WELL_KNOWN}/api`)).body).toMatchObject({ resource: 'http://127.0.0.1/api' });
    await app.close();
  });
});
