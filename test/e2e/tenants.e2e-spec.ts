/** Several issuers that are known at start: each token by the keys of its own issuer, and nobody else is asked. */
import { Controller, Get, Module, type Type } from '@nestjs/common';
import {
  AuthHealthIndicator,
  ConfigurationError,
  IssuerRegistry,
  Issuers,
  Public,
  TokenValidationService,
  type AuthModuleOptions,
  type IssuerOptions,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import {
  decisionsDuring,
  entryOf,
  INTROSPECTING,
  LiveController,
  TenantController,
} from '../support/tenants.js';
import { makeKey, signToken } from '../support/tokens.js';

/** Both publish a key of this name; they are different keys. */
const SAME_KID = 'key-1';

describe.each(PLATFORMS)('a list of issuers on %s', (platform) => {
  let staff: Issuer;
  let customers: Issuer;
  let stranger: Issuer;
  let app: TestApp | undefined;

  beforeEach(async () => {
    [staff, customers, stranger] = await Promise.all([
      Issuer.start({}, makeKey('ES256', SAME_KID)),
      Issuer.start({}, makeKey('ES256', SAME_KID)),
      Issuer.start({}, makeKey('ES256', SAME_KID)),
    ]);
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await Promise.all([staff, customers, stranger].map((each) => each.close()));
  });

  const two = (more: readonly [Partial<IssuerOptions>?, Partial<IssuerOptions>?] = []): IssuerOptions[] => [
    entryOf(staff, { name: 'staff', ...more[0] }),
    entryOf(customers, { name: 'customers', ...more[1] }),
  ];
  const boot = async (
    options: AuthModuleOptions,
    controllers: readonly Type[] = [TenantController],
  ): Promise<TestApp> => (app = await bootApp({ audience: AUDIENCE, ...options }, { platform, controllers }));
  const ask = async (token: string, path = '/whoami'): Promise<number> =>
    (await app?.get(path, bearer(token)))?.status ?? 0;

  it('accepts tokens of each, and says whose they are', async () => {
    await boot({ issuers: two() });
    for (const issuer of [staff, customers]) {
      const answer = await app?.get('/whoami', bearer(issuer.token()));
      expect([answer?.status, answer?.text]).toEqual([200, issuer.server.issuer]);
    }
    const events = await decisionsDuring(async () => {
      await ask(staff.token());
      await ask(customers.token({ claims: { exp: 1 } }));
      await ask(stranger.token());
      await app?.get('/whoami');
    });
    expect(events.map(({ issuer, reason }) => [issuer, reason])).toEqual([
      ['staff', 'token'],
      ['customers', 'expired'],
      [undefined, 'issuer'],
      [undefined, 'missing_token'],
    ]);
  });

  it('verifies no token by the keys of another issuer, whatever its kid says', async () => {
    await boot({ issuers: two() });
    expect([await ask(staff.token()), await ask(customers.token())]).toEqual([200, 200]);
    const forged = signToken(staff.key, customers.claims());
    const forgedBack = signToken(customers.key, staff.claims());
    expect([await ask(forged), await ask(forgedBack)]).toEqual([401, 401]);
    // Nor the other way round, once the good ones are remembered.
    expect([await ask(staff.token()), await ask(forged)]).toEqual([200, 401]);
  });

  it('asks nobody about an issuer that is not configured', async () => {
    await boot({ issuers: two([{}, {}]), warmUp: 'off' });
    const cloud = 'http://169.254.169.254/latest';
    for (const iss of [
      stranger.server.issuer,
      `${stranger.server.issuer}/`,
      cloud,
      '',
      7,
      null,
      [staff.server.issuer],
    ]) {
      expect(await ask(stranger.token({ claims: { iss } }))).toBe(401);
      expect(await ask(stranger.token({ claims: { iss } }), '/optional')).toBe(401);
    }
    const without = stranger.token({ claims: { iss: undefined } });
    expect([await ask(without), await ask(without, '/optional')]).toEqual([401, 401]);
    const asked = [staff, customers, stranger].map(({ server }) => server.requests);
    expect(asked).toEqual([[], [], []]);
    expect((await app?.get('/optional'))?.text).toBe('nobody');
  });

  it('10,000 tokens with invented issuers: no call', async () => {
    await boot({ issuers: two(), warmUp: 'required' });
    const validation = app?.nest.get(TokenValidationService);
    const before = staff.server.requests.length + customers.server.requests.length;
    const refused = new Set<string>();
    for (let i = 0; i < 10_000; i++) {
      const token = signToken(stranger.key, { ...stranger.claims(), iss: `https://tenant-${i}.example` });
      refused.add(
        await (validation?.validateAccessToken(token) ?? Promise.resolve()).then(
          () => 'accepted',
          (error: unknown) => (error as { reason: string }).reason,
        ),
      );
    }
    expect([...refused]).toEqual(['issuer']);
    expect(staff.server.requests.length + customers.server.requests.length).toBe(before);
    expect(await ask(staff.token())).toBe(200);
  }, 60_000);

  it('finds an issuer but for one trailing slash, and then compares with its document', async () => {
    await boot({
      issuers: [entryOf(staff, { issuer: `${staff.server.issuer}/`, name: 'staff' }), entryOf(customers)],
    });
    expect(await ask(staff.token())).toBe(200);
    expect(await ask(staff.token({ claims: { iss: `${staff.server.issuer}/` } }))).toBe(401);
    expect(await ask(staff.token({ claims: { iss: `${staff.server.issuer}//` } }))).toBe(401);
  });

  it('an outage of one leaves the other alone', async () => {
    await boot({ issuers: two([{ maxStale: 0 }, {}]), warmUp: 'required', jwksCacheDuration: 60 });
    staff.server.goDown();
    advanceClock(120);
    const events = await decisionsDuring(async () => {
      expect([await ask(staff.token()), await ask(customers.token())]).toEqual([503, 200]);
    });
    expect(events.map(({ issuer, status }) => [issuer, status])).toEqual([
      ['staff', 503],
      ['customers', undefined],
    ]);
    const health = await app?.nest.get(AuthHealthIndicator).isHealthy();
    expect(health?.auth).toMatchObject({
      status: 'up',
      state: 'degraded',
      issuers: { staff: { status: 'down', state: 'down' }, customers: { status: 'up', state: 'ready' } },
    });
    customers.server.goDown();
    advanceClock(100_000);
    expect((await app?.nest.get(AuthHealthIndicator).isHealthy())?.auth).toMatchObject({
      status: 'down',
      state: 'down',
    });
  });

  it('each has its own options; what is left out is what the module says', async () => {
    await boot({
      groupOptions: { groupsClaim: 'roles' },
      clockTolerance: 0,
      issuers: two([
        { audience: 'https://staff.example', groupOptions: { groupsClaim: 'teams' }, clockTolerance: 120 },
        { signingAlgorithms: ['RS256'] },
      ]),
    });
    const late = { exp: Math.floor(Date.now() / 1000) - 60, aud: 'https://staff.example' };
    expect(await ask(staff.token())).toBe(401);
    expect(await ask(staff.token({ claims: late }))).toBe(200);
    expect(await ask(staff.token({ claims: { ...late, teams: 'admin' } }), '/grouped')).toBe(200);
    expect(await ask(staff.token({ claims: { ...late, roles: 'admin' } }), '/grouped')).toBe(403);
    expect(await ask(customers.token())).toBe(401);
  });

  describe('@Issuers()', () => {
    it("refuses others' tokens", async () => {
      await boot({ issuers: two() });
      expect([await ask(staff.token(), '/staff'), await ask(customers.token(), '/staff')]).toEqual([
        200, 401,
      ]);
      // Also one that is remembered.
      const known = customers.token();
      expect([await ask(known), await ask(known, '/staff')]).toEqual([200, 401]);
    });

    it('takes issuers as well as names; class and handler must both hold', async () => {
      const CUSTOMERS = customers.server.issuer;
      @Controller('both')
      @Issuers('staff', 'customers')
      class BothController {
        @Get() any(): string {
          return 'any';
        }
        @Get('one') @Issuers(CUSTOMERS) one(): string {
          return 'one';
        }
        @Get('open') @Public() open(): string {
          return 'open';
        }
      }
      await boot({ issuers: two() }, [BothController]);
      expect([await ask(staff.token(), '/both'), await ask(customers.token(), '/both')]).toEqual([200, 200]);
      expect([await ask(staff.token(), '/both/one'), await ask(customers.token(), '/both/one')]).toEqual([
        401, 200,
      ]);
      expect((await app?.get('/both/open'))?.status).toBe(200);
    });

    it('stops the start for unknown names, for nobody in common, and beside @Public()', async () => {
      @Controller()
      class UnknownController {
        @Get() @Issuers('nobody') get(): void {}
      }
      @Controller()
      @Issuers('staff')
      class DisjointController {
        @Get() @Issuers('customers') get(): void {}
      }
      @Controller()
      class OpenController {
        @Get() @Public() @Issuers('staff') get(): void {}
      }
      await expect(boot({ issuers: two() }, [UnknownController])).rejects.toThrow(
        /UnknownController.get: @Issuers\(\): no issuer "nobody" is configured/,
      );
      await expect(boot({ issuers: two() }, [DisjointController])).rejects.toThrow(/no issuer in common/);
      await expect(boot({ issuers: two() }, [OpenController])).rejects.toThrow(
        /OpenController.get: @Public\(\) .*@Issuers\(\)/,
      );
    });
  });

  describe('opaque tokens', () => {
    it('are sent to the one that introspects', async () => {
      await boot({ issuers: two([{}, INTROSPECTING]) });
      expect(await ask(customers.opaqueToken())).toBe(200);
      expect(await ask(staff.opaqueToken())).toBe(401);
      expect([staff.server.introspections.length, customers.server.introspections.length]).toEqual([0, 2]);
    });

    it('are sent to whom opaqueTokenIssuer names, to nobody else', async () => {
      const seen: unknown[] = [];
      await boot({
        ...INTROSPECTING,
        issuers: two(),
        opaqueTokenIssuer: (_token, request) => {
          seen.push(request?.headers['x-tenant']);
          const tenant = request?.headers['x-tenant'];
          if (tenant === 'throws') throw new Error('no such header');
          return typeof tenant === 'string' ? Promise.resolve(tenant) : undefined;
        },
      });
      const token = staff.opaqueToken();
      const status = async (tenant?: string): Promise<number | undefined> =>
        (await app?.get('/whoami', { ...bearer(token), ...(tenant !== undefined && { 'x-tenant': tenant }) }))
          ?.status;
      expect(await status('staff')).toBe(200);
      expect(await status(staff.server.issuer)).toBe(200);
      // The good answer of one is remembered for that one only.
      expect(await status('customers')).toBe(401);
      expect(customers.server.introspections).toHaveLength(1);
      expect([await status(), await status('nobody'), await status('throws')]).toEqual([401, 401, 500]);
      expect([staff.server.introspections.length, customers.server.introspections.length]).toEqual([1, 1]);
      expect(seen).toContain('staff');
    });

    it('of one issuer are none of another one in a cache that both share', async () => {
      const store = new Map<string, unknown>();
      const cache = {
        get: (key: string) => store.get(key),
        set: (key: string, value: unknown) => void store.set(key, value),
        delete: (key: string) => void store.delete(key),
      };
      await boot({
        ...INTROSPECTING,
        cache,
        issuers: two(),
        opaqueTokenIssuer: (_token, request) => String(request?.headers['x-tenant']),
      });
      const token = staff.opaqueToken();
      const status = async (tenant: string): Promise<number | undefined> =>
        (await app?.get('/whoami', { ...bearer(token), 'x-tenant': tenant }))?.status;
      expect(await status('staff')).toBe(200);
      expect(store.size).toBeGreaterThan(0);
      advanceClock(15);
      expect([await status('customers'), await status('staff')]).toEqual([401, 200]);
      expect([staff.server.introspections.length, customers.server.introspections.length]).toEqual([1, 1]);
    });

    it('do not start without it where several introspect', async () => {
      await expect(boot({ ...INTROSPECTING, issuers: two() })).rejects.toThrow(/opaqueTokenIssuer: required/);
    });
  });

  it('introspects JWTs at the issuer that they name, where it says so', async () => {
    await boot({ issuers: two([{ ...INTROSPECTING, introspectJwtTokens: true }, {}]) });
    const token = staff.token();
    staff.server.introspected.set(token, { active: true, ...staff.claims() });
    expect([await ask(token), await ask(customers.token())]).toEqual([200, 200]);
    expect([staff.server.introspections.length, customers.server.introspections.length]).toEqual([1, 0]);
    expect(await ask(signToken(customers.key, staff.claims()))).toBe(401);
  });

  it('@Introspect() needs every issuer that the route accepts to introspect', async () => {
    await expect(boot({ issuers: two([INTROSPECTING, {}]) }, [LiveController])).rejects.toThrow(
      /LiveController.live: @Introspect\(\) requires introspection: .* for "customers"/,
    );
    await boot({ ...INTROSPECTING, issuers: two(), opaqueTokenIssuer: () => undefined }, [LiveController]);
    const token = customers.token();
    customers.server.introspected.set(token, { active: true, ...customers.claims() });
    expect(await ask(token, '/live')).toBe(200);
    expect([staff.server.introspections.length, customers.server.introspections.length]).toEqual([0, 1]);
  });

  it('forget() makes an issuer anew', async () => {
    await boot({ issuers: two() });
    const [a, b] = [staff.token(), customers.token()];
    expect([await ask(a), await ask(b)]).toEqual([200, 200]);
    const before = [staff.server.count('/jwks'), customers.server.count('/jwks')];
    expect(app?.nest.get(IssuerRegistry).forget('staff')).toBe(true);
    staff.rotate(makeKey('ES256', SAME_KID));
    expect([await ask(a), await ask(staff.token()), await ask(b)]).toEqual([401, 200, 200]);
    expect([staff.server.count('/jwks'), customers.server.count('/jwks')]).toEqual([
      (before[0] ?? 0) + 1,
      before[1],
    ]);
    expect(app?.nest.get(IssuerRegistry).forget('https://unknown.example')).toBe(false);
  });

  describe('in the environment', () => {
    const variables = (values: Record<string, string>) => {
      Object.assign(process.env, values);
      return () => Object.keys(values).forEach((name) => delete process.env[name]);
    };

    it('is a list with commas', async () => {
      const restore = variables({
        MONOCLOUD_BACKEND_TENANT_DOMAIN: `${staff.server.issuer}, ${customers.server.issuer}`,
        MONOCLOUD_BACKEND_AUDIENCE: AUDIENCE,
      });
      try {
        app = await bootApp(undefined, { platform, controllers: [LocalController] });
        expect([await ask(staff.token()), await ask(customers.token()), await ask(stranger.token())]).toEqual(
          [200, 200, 401],
        );
      } finally {
        restore();
      }
    });

    it('is not read beside issuers in code', async () => {
      const restore = variables({ MONOCLOUD_BACKEND_TENANT_DOMAIN: stranger.server.issuer });
      try {
        await boot({ issuers: two() });
        expect([await ask(staff.token()), await ask(stranger.token())]).toEqual([200, 401]);
      } finally {
        restore();
      }
    });
  });
});

@Controller()
class LocalController {
  @Get('whoami') whoami(): string {
    return 'somebody';
  }
}

describe('mistakes in a list of issuers stop the start', () => {
  @Module({})
  class Nothing {}
  const A = { issuer: 'https://a.example' };
  const B = { issuer: 'https://b.example' };

  it.each<[string, AuthModuleOptions, RegExp]>([
    ['an empty list', { issuers: [] }, /issuers: is empty/],
    ['no list', { issuers: 'https://a.example' as never }, /issuers: is neither a list nor a function/],
    ['issuer beside it', { issuer: 'https://c.example', issuers: [A, B] }, /issuers: issuer is set as well/],
    [
      'the same issuer twice',
      { issuers: [A, { ...A, name: 'again' }] },
      /"https:\/\/a.example" is listed twice/,
    ],
    ['the same but for a slash', { issuers: [A, { issuer: 'https://a.example/' }] }, /is listed twice/],
    [
      "another one's iss",
      { issuers: [A, { ...B, accessTokenIssuer: 'https://a.example' }] },
      /is listed twice/,
    ],
    [
      'the same name twice',
      {
        issuers: [
          { ...A, name: 'x' },
          { ...B, name: 'x' },
        ],
      },
      /the name "x" is used twice/,
    ],
    [
      "another one's issuer as name",
      { issuers: [{ ...A, name: 'https://b.example' }, B] },
      /the name "https:\/\/b.example" is used twice/,
    ],
    ['no issuer', { issuers: [{ name: 'x' } as never, B] }, /issuers\[0\]\.issuer: required/],
    [
      'an unknown option',
      { issuers: [{ ...A, colour: 'red' } as never, B] },
      /issuers\[0\]\.colour: is not an option/,
    ],
    [
      'an option of the module',
      { issuers: [{ ...A, dpop: {} } as never, B] },
      /issuers\[0\]\.dpop: is an option of the module/,
    ],
    [
      'a mistaken value',
      { issuers: [A, { ...B, clockTolerance: 'x' as never }] },
      /issuers\[1\]\.clockTolerance: "x" is not a number/,
    ],
    [
      'half a client',
      { issuers: [A, { ...B, clientId: 'api' }] },
      /issuers\[1\]\.clientSecret: client_secret_post requires it/,
    ],
    ['http', { issuers: [A, { issuer: 'http://b.example' }] }, /issuers\[1\]\.issuer: .* is not https/],
    [
      'keys of one for all',
      { jwksUri: 'https://a.example/keys', issuers: [A, B] },
      /jwksUri .*belongs to one issuer/,
    ],
    [
      'an algorithm that the profile excludes',
      { profile: 'fapi2', issuers: [A, { ...B, signingAlgorithms: ['ES256', 'RS256'] }] },
      /issuers\[1\]\.signingAlgorithms: "RS256" is not permitted by profile fapi2/,
    ],
    [
      'a tolerance that the profile excludes',
      { profile: 'fapi2', issuers: [{ ...A, clockTolerance: 300 }, B] },
      /issuers\[0\]\.clockTolerance: 300 is not 10 to 60 seconds/,
    ],
    [
      'http, which the profile excludes',
      { profile: 'fapi2', issuers: [A, { ...B, allowInsecureRequests: true }] },
      /issuers\[1\]\.allowInsecureRequests: contradicts profile fapi2/,
    ],
    [
      'no audience',
      { audience: undefined, issuers: [{ ...A, audience: 'x' }, B] },
      /issuers\[1\]\.audience: required/,
    ],
  ])('%s', async (_name, options, message) => {
    const settings = { platform: 'Express', controllers: [], imports: [Nothing] } as const;
    const start = bootApp({ audience: AUDIENCE, warmUp: 'off', ...options }, settings);
    await expect(start).rejects.toThrow(ConfigurationError);
    await expect(start).rejects.toThrow(message);
  });
});
