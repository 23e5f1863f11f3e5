/** Where do the options come from, and what happens when they are wrong? */
import { Controller, Get, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import {
  AuthModule,
  ConfigurationError,
  Public,
  Scopes,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootModule, PLATFORMS, type AppSettings, type TestApp, ThingsController } from '../support/app.js';
import { bearer } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';
import { outputLogger } from '../support/output-logger.js';

const PREFIX = 'MONOCLOUD_BACKEND_';

/** Sets variables of the process for one test. */
const environment = process.env;
beforeEach(() => {
  process.env = Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith(PREFIX)));
});
afterAll(() => {
  process.env = environment;
});

async function mistakes(options: AuthModuleOptions, env: Record<string, string> = {}): Promise<string> {
  Object.assign(process.env, env);
  const error: unknown = await Test.createTestingModule({ imports: [AuthModule.forRoot(options)] })
    .compile()
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(ConfigurationError);
  return error instanceof Error ? error.message : '';
}

describe('configuration mistakes', () => {
  const good = { issuer: 'https://issuer.example', audience: AUDIENCE };

  it('stop the start, all in one message, each with its option and its variable', async () => {
    const message = await mistakes(
      { responseTimeout: 0, typo: 1, groupOptions: { groupClaim: 'x' } } as AuthModuleOptions,
      {
        [`${PREFIX}CLOCK_TOLERANCE`]: '5m',
        [`${PREFIX}GROUPS_MATCH_ALL`]: 'yes',
        [`${PREFIX}AUDIENCE`]: '  ',
        [`${PREFIX}SIGNING_ALGORITHMS`]: 'ES256, HS256',
      },
    );
    expect(message.split('\n')).toEqual([
      'AuthModule: 8 problems',
      `  issuer (${PREFIX}TENANT_DOMAIN): required`,
      `  audience (${PREFIX}AUDIENCE): required`,
      `  groupOptions.matchAll (${PREFIX}GROUPS_MATCH_ALL): "yes" is neither true nor false`,
      '  groupOptions.groupClaim: is not an option',
      `  clockTolerance (${PREFIX}CLOCK_TOLERANCE): "5m" is not a number of seconds`,
      `  responseTimeout (${PREFIX}RESPONSE_TIMEOUT): 0 is not more than 0 seconds`,
      expect.stringContaining(
        `  signingAlgorithms (${PREFIX}SIGNING_ALGORITHMS): "HS256" is not one of RS256`,
      ),
      '  typo: is not an option',
      '  .env was not read: the application imports no ConfigModule.forRoot({ isGlobal: true })',
    ]);
  });

  it('say nothing of .env where it was read, or where nothing is missing', async () => {
    @Module({
      imports: [ConfigModule.forRoot({ isGlobal: true, ignoreEnvFile: true }), AuthModule.forRoot()],
    })
    class AppModule {}
    const error: unknown = await Test.createTestingModule({ imports: [AppModule] })
      .compile()
      .catch((reason: unknown) => reason);
    expect((error as Error).message.split('\n')).toEqual([
      'AuthModule: 2 problems',
      `  issuer (${PREFIX}TENANT_DOMAIN): required`,
      `  audience (${PREFIX}AUDIENCE): required`,
    ]);
    expect(await mistakes({ ...good, audience: '' })).not.toContain('.env');
  });

  it.each<[string, AuthModuleOptions, string]>([
    ['an issuer that is no URL', { issuer: 'issuer.example' }, '"issuer.example" is not a URL'],
    ['an issuer without TLS', { issuer: 'http://issuer.example' }, 'is not https'],
    ['an issuer with a query', { issuer: 'https://issuer.example?x=1' }, 'must not have a query'],
    ['an issuer with credentials', { issuer: 'https://a:b@issuer.example' }, 'must not have a query'],
    ['keys without TLS', { jwksUri: 'http://issuer.example/jwks' }, 'jwksUri (MONOCLOUD_BACKEND_JWKS_URI)'],
    [
      'two names for the issuer that differ',
      { tenantDomain: 'https://b.example' },
      'differs from tenantDomain',
    ],
    ['an empty list of audiences', { audience: [] }, 'audience'],
    ['an empty audience', { audience: '' }, 'audience'],
    ['an audience that is no string', { audience: [7] as never }, 'audience'],
    ['no algorithm', { signingAlgorithms: [] }, 'is empty'],
    ['alg none', { signingAlgorithms: ['none'] }, '"none" is not one of'],
    ['a negative tolerance', { clockTolerance: -1 }, '-1 is less than 0'],
    ['a time that is not one', { jwksCacheDuration: NaN }, 'is not a number of seconds'],
    [
      'an unknown binding',
      { validateCertificateBinding: 'yes' as never },
      'neither required nor when_present',
    ],
    [
      'a client without a secret',
      { clientId: 'c' },
      'clientSecret (MONOCLOUD_BACKEND_CLIENT_SECRET): client_secret_post requires it',
    ],
    [
      'a secret without a client',
      { clientSecret: 's' },
      'clientSecret (MONOCLOUD_BACKEND_CLIENT_SECRET): needs clientId',
    ],
    [
      'introspection without a client',
      { introspectJwtTokens: true },
      'introspectJwtTokens (MONOCLOUD_BACKEND_INTROSPECT_JWT_TOKENS): needs clientId',
    ],
    [
      'an unknown method',
      { clientId: 'c', clientSecret: 's', clientAuthMethod: 'none' as never },
      '"none" is not one of client_secret_post',
    ],
    [
      'TLS without a certificate',
      { clientId: 'c', clientAuthMethod: 'tls_client_auth' },
      'clientCertificateKey (MONOCLOUD_BACKEND_CLIENT_CERTIFICATE_KEY): tls_client_auth requires it',
    ],
    [
      'a certificate that is none',
      { providerCa: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
      'providerCa (MONOCLOUD_BACKEND_PROVIDER_CA): is not a certificate',
    ],
    [
      'a file that is not there',
      { providerCa: '/nowhere/ca.pem' },
      'is neither a certificate in PEM nor a file with it',
    ],
    [
      'a public key for a private one',
      {
        clientId: 'c',
        clientSecret: { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' },
        clientAuthMethod: 'private_key_jwt',
      },
      'clientSecret (MONOCLOUD_BACKEND_CLIENT_SECRET): is not a private key',
    ],
    ['a cache that is none', { cache: {} as never }, 'cache: has no get, set and delete'],
    [
      'a short secret for nonces',
      { dpop: { nonce: 'short' } },
      'dpop.nonce (MONOCLOUD_BACKEND_DPOP_NONCE): is a secret of at least 32 characters',
    ],
    [
      'an unknown mode',
      { dpop: { mode: 'on' as never } },
      'dpop.mode (MONOCLOUD_BACKEND_DPOP_MODE): "on" is not one of',
    ],
    [
      'a public URL that is none',
      { publicUrl: 'api.example.com' },
      'publicUrl (MONOCLOUD_BACKEND_PUBLIC_URL): "api.example.com" is not a URL',
    ],
    [
      'credentials in an address',
      { jwksUri: 'https://user:secret@issuer.example/jwks' },
      'jwksUri (MONOCLOUD_BACKEND_JWKS_URI): must not have credentials',
    ],
    [
      'a shared cache without a secret',
      {
        clientId: 'c',
        clientAuthMethod: 'tls_client_auth',
        fetcher: fetch,
        cache: { get: () => undefined, set: () => undefined, delete: () => undefined },
      },
      'cacheSecret (MONOCLOUD_BACKEND_CACHE_SECRET): cache requires it',
    ],
    [
      'a header of pushes from a variable that is not set',
      { securityEvents: { path: '/events', audience: AUDIENCE, authorizationHeader: undefined } },
      'securityEvents.authorizationHeader: is undefined',
    ],
    ['a fetcher that is no function', { fetcher: 'fetch' as never }, 'fetcher: is not a function'],
  ])('%s', async (_, options, expected) => {
    expect(await mistakes({ ...good, ...options })).toContain(expected);
  });

  it('two variables for one option that differ', async () => {
    const env = { [`${PREFIX}TENANT_DOMAIN`]: 'https://a.example', [`${PREFIX}ISSUER`]: 'https://b.example' };
    expect(await mistakes({ audience: AUDIENCE }, env)).toContain(
      'TENANT_DOMAIN and MONOCLOUD_BACKEND_ISSUER differ',
    );
  });

  it('name the variables of another prefix', async () => {
    expect(await mistakes({ envPrefix: 'ORDERS_' })).toContain('issuer (ORDERS_TENANT_DOMAIN): required');
  });

  it('contradicting decorators, each with its place', async () => {
    @Controller()
    class FirstController {
      @Get() @Public() @Scopes('a') handler(): void {}
    }
    @Public()
    @Scopes('a')
    @Controller('second')
    class SecondController {
      @Get() handler(): void {}
    }
    const module = await Test.createTestingModule({
      imports: [AuthModule.forRoot(good)],
      controllers: [FirstController, SecondController, ThingsController],
    }).compile();
    const starting = module.createNestApplication().init();
    await expect(starting).rejects.toThrow(ConfigurationError);
    await expect(starting).rejects.toThrow(/FirstController\.handler: .*\n.*SecondController: /);
  });

  it('a variable that belongs to no option is told, not refused', async () => {
    process.env[`${PREFIX}AUDIENCES`] = 'x';
    await Test.createTestingModule({ imports: [AuthModule.forRoot(good)] })
      .setLogger(outputLogger)
      .compile();
    expect(loggedLines().join('\n')).toContain(`not a variable of this module: ${PREFIX}AUDIENCES`);
  });

  it('without a prefix no variable of the process is named', async () => {
    process.env['SOMEBODY_ELSES'] = 'x';
    await Test.createTestingModule({ imports: [AuthModule.forRoot({ ...good, envPrefix: '' })] })
      .setLogger(outputLogger)
      .compile();
    delete process.env['SOMEBODY_ELSES'];
    expect(loggedLines().join('\n')).not.toMatch(/not a variable of this module|SOMEBODY_ELSES|PATH/);
  });
});

describe.each(PLATFORMS)('configuration on %s', (platform) => {
  let issuer: Issuer;
  const apps: TestApp[] = [];
  const boot = async (imports: AppSettings['imports'] & object): Promise<TestApp> => {
    const app = await bootModule(imports, { platform });
    apps.push(app);
    return app;
  };
  const status = async (app: TestApp, claims: Record<string, unknown> = {}): Promise<number> =>
    (await app.get('/things', bearer(issuer.token({ claims })))).status;

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));
  afterAll(() => issuer.close());

  it('comes from the environment alone, without a ConfigModule', async () => {
    process.env[`${PREFIX}TENANT_DOMAIN`] = issuer.server.issuer;
    process.env[`${PREFIX}AUDIENCE`] = ` https://x.example , ${AUDIENCE}`;
    const app = await boot([AuthModule.forRoot()]);
    expect([await status(app), await status(app, { aud: 'https://x.example' })]).toEqual([200, 200]);
    expect(await status(app, { aud: 'https://y.example' })).toBe(401);
  });

  it('comes from a .env file through ConfigModule, wherever it is imported', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'nestjs-resource-server-')), '.env');
    writeFileSync(
      file,
      `API_ISSUER=${issuer.server.issuer}\nAPI_AUDIENCE=${AUDIENCE}\nAPI_CLOCK_TOLERANCE=\n`,
    );
    const app = await boot([
      AuthModule.forRoot({ envPrefix: 'API_' }),
      ConfigModule.forRoot({ isGlobal: true, envFilePath: file }),
    ]);
    expect(await status(app)).toBe(200);
  });

  it('takes what the application’s own validation made of the environment', async () => {
    process.env['API_ISSUER'] = issuer.server.issuer;
    const validate = (env: Record<string, unknown>): Record<string, unknown> => ({
      ...env,
      API_AUDIENCE: [AUDIENCE],
      API_CLOCK_TOLERANCE: 5,
      API_GROUPS_MATCH_ALL: true,
    });
    const app = await boot([
      ConfigModule.forRoot({ isGlobal: true, ignoreEnvFile: true, validate }),
      AuthModule.forRoot({ envPrefix: 'API_' }),
    ]);
    expect(await status(app)).toBe(200);
    expect(await status(app, { exp: Math.floor(Date.now() / 1000) - 10 })).toBe(401);
  });

  it('prefers the code to the environment', async () => {
    process.env[`${PREFIX}TENANT_DOMAIN`] = 'https://issuer.example';
    process.env[`${PREFIX}AUDIENCE`] = 'https://y.example';
    expect(await status(await boot([AuthModule.forRoot(issuer.options)]))).toBe(200);
    const alias = { tenantDomain: issuer.server.issuer, audience: AUDIENCE };
    expect(await status(await boot([AuthModule.forRoot(alias)]))).toBe(200);
  });

  it('comes from a factory, a class or an existing provider', async () => {
    class Options {
      createAuthOptions(): AuthModuleOptions {
        return issuer.options;
      }
    }
    @Module({ providers: [Options], exports: [Options] })
    class OptionsModule {}
    process.env['SHOP_AUDIENCE'] = AUDIENCE;

    const asynchronous = [
      AuthModule.forRootAsync({
        imports: [ConfigModule],
        inject: [ConfigService],
        useFactory: async (config: ConfigService) =>
          Promise.resolve({
            issuer: issuer.server.issuer,
            audience: config.getOrThrow<string>('SHOP_AUDIENCE'),
          }),
      }),
      AuthModule.forRootAsync({ useClass: Options }),
      AuthModule.forRootAsync({ imports: [OptionsModule], useExisting: Options }),
    ];
    for (const module of asynchronous) {
      const app = await boot([module]);
      expect([await status(app), (await app.get('/things')).status]).toEqual([200, 401]);
    }
  });

  it('is not shared between two applications of one process', async () => {
    const other = await Issuer.start();
    const [first, second] = [
      await boot([AuthModule.forRoot({ ...issuer.options, clockTolerance: 0 })]),
      await boot([AuthModule.forRoot({ ...other.options, audience: 'https://y.example' })]),
    ];
    const theirs = bearer(other.token({ claims: { aud: 'https://y.example' } }));
    expect([await status(first), (await second.get('/things', theirs)).status]).toEqual([200, 200]);
    expect([await status(second), (await first.get('/things', theirs)).status]).toEqual([401, 401]);
    await other.close();
  });

  it('honours skew and tolerance of the clock', async () => {
    const now = Math.floor(Date.now() / 1000);
    const strict = await boot([AuthModule.forRoot({ ...issuer.options, clockTolerance: 0 })]);
    expect(await status(strict, { exp: now - 2 })).toBe(401);
    expect(await status(strict, { nbf: now + 30 })).toBe(401);
    const ahead = await boot([AuthModule.forRoot({ ...issuer.options, clockTolerance: 0, clockSkew: 60 })]);
    expect(await status(ahead, { iat: now - 90, exp: now - 30 })).toBe(200);
    expect(await status(ahead, { iat: now - 90, exp: now - 90 })).toBe(401);
    const behind = await boot([AuthModule.forRoot({ ...issuer.options, clockTolerance: 0, clockSkew: -60 })]);
    expect(await status(behind, { iat: now + 30, nbf: now + 30, exp: now + 90 })).toBe(200);
    expect(await status(behind, { exp: now + 30 })).toBe(401);
    const tolerant = await boot([AuthModule.forRoot(issuer.options)]);
    expect(await status(tolerant, { exp: now - 290 })).toBe(200);
    expect(await status(tolerant, { exp: now - 310 })).toBe(401);
  });

  it('can insist on the access token type of RFC 9068', async () => {
    const app = await boot([AuthModule.forRoot({ ...issuer.options, requireAccessTokenType: true })]);
    const typed = async (typ: unknown): Promise<number> =>
      (await app.get('/things', bearer(issuer.token({ header: { typ } })))).status;
    expect(await Promise.all(['at+jwt', 'application/AT+JWT', 'JWT', undefined].map(typed))).toEqual([
      200, 200, 401, 401,
    ]);
  });

  it('then insists on the claims of RFC 9068, too', async () => {
    const [strict, lenient] = [
      await boot([AuthModule.forRoot({ ...issuer.options, requireAccessTokenType: true })]),
      await boot([AuthModule.forRoot(issuer.options)]),
    ];
    const names = ['iss', 'aud', 'exp', 'sub', 'client_id', 'iat', 'jti'];
    for (const name of names) {
      expect([name, await status(strict, { [name]: undefined })]).toEqual([name, 401]);
      const needed = ['iss', 'aud', 'exp'].includes(name);
      expect([name, await status(lenient, { [name]: undefined })]).toEqual([name, needed ? 401 : 200]);
    }
    expect(await status(strict)).toBe(200);
    expect(loggedLines().join('\n')).toContain('client_id missing: RFC 9068 requires it');
  });
});
