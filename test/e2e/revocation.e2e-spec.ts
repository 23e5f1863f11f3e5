/** Revoked tokens are refused although they verify: what matches, what does not, and what `revoke()` rejects. */
import { Controller, Get } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  AuthHealthIndicator,
  AuthModule,
  CertBound,
  ConfigurationError,
  Introspect,
  MemoryRevocationStore,
  OptionalAuth,
  Public,
  RevocationStoreError,
  Scopes,
  TokenRevocations,
  TokenValidationService,
  type AuthModuleOptions,
  type Revocation,
  type RevocationListener,
  type RevocationStore,
  type RevokeSelector,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock, holdClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';
import { nowInSeconds } from '../support/tokens.js';

@Controller()
class ThingsController {
  @Get('things') list(): string {
    return 'things';
  }
  @Get('fresh') @Introspect() fresh(): string {
    return 'fresh';
  }
  @Get('bound') @CertBound() bound(): string {
    return 'bound';
  }
  @Get('admin') @Scopes('admin') admin(): string {
    return 'admin';
  }
  @Get('maybe') @OptionalAuth() maybe(): string {
    return 'maybe';
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
}

const controllers = [ThingsController];

/** Issued before what happens in a test, however long that takes. */
const earlier = (claims: Record<string, unknown>): { claims: Record<string, unknown> } => ({
  claims: { iat: nowInSeconds() - 60, ...claims },
});

const lastRefusal = (): string | undefined =>
  loggedLines().findLast((line) => line.startsWith('ThingsController.'));

describe.each(PLATFORMS)('revoked tokens on %s', (platform) => {
  let issuer: Issuer;
  const apps: TestApp[] = [];

  const boot = async (options: AuthModuleOptions = {}): Promise<TestApp> => {
    const app = await bootApp({ ...issuer.introspecting, ...options }, { platform, controllers });
    apps.push(app);
    return app;
  };
  const revoke = (app: TestApp, selector: RevokeSelector): Promise<void> =>
    app.nest.get(TokenRevocations).revoke(selector);
  const status = async (app: TestApp, claims: Record<string, unknown>, path = '/things'): Promise<number> =>
    (await app.get(path, bearer(issuer.token(earlier(claims))))).status;

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });
  afterAll(() => issuer.close());

  it.each<[string, RevokeSelector, Record<string, unknown>, Record<string, unknown>]>([
    ['a user', { sub: 'u1' }, { sub: 'u1' }, { sub: 'u2' }],
    ['a session', { sid: 's1' }, { sid: 's1' }, { sid: 's2' }],
    ['no other session of the user', { sid: 's1' }, { sub: 'user-1', sid: 's1' }, { sub: 'user-1' }],
    ['a token', { jti: 't1' }, { jti: 't1' }, { jti: 't2' }],
    ['a client', { clientId: 'c1' }, { client_id: 'c1' }, { client_id: 'c2' }],
    [
      'a client that azp names',
      { clientId: 'c1' },
      { client_id: undefined, azp: 'c1' },
      { client_id: undefined, azp: 'c2' },
    ],
  ])('are those of %s', async (_, selector, covered, other) => {
    const app = await boot();
    expect([await status(app, covered), await status(app, other)]).toEqual([200, 200]);
    await revoke(app, selector);
    expect([await status(app, covered), await status(app, other)]).toEqual([401, 200]);
  });

  it('are answered as an invalid token, and logged with the reason', async () => {
    const app = await boot();
    const token = issuer.token({ claims: { sub: 'u1' } });
    expect((await app.get('/things', bearer(token))).status).toBe(200);
    await revoke(app, { sub: 'u1' });
    const answer = await app.get('/things', bearer(token));
    expect([answer.status, answer.body]).toEqual([401, { statusCode: 401, message: 'unauthorized' }]);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="invalid_token", error_description="The access token is invalid"',
    );
    expect(lastRefusal()).toBe('ThingsController.list: 401 invalid_token: the token is revoked AuthGuard');
  });

  it('are refused on optional routes, and not looked at on public ones', async () => {
    const app = await boot();
    await revoke(app, { sub: 'u1' });
    expect(await status(app, { sub: 'u1' }, '/maybe')).toBe(401);
    expect(await status(app, { sub: 'u1' }, '/open')).toBe(200);
    expect((await app.get('/maybe')).status).toBe(200);
  });

  it('are those issued at or before the time, and those that do not say when', async () => {
    const app = await boot();
    const before = nowInSeconds() - 10;
    await revoke(app, { sub: 'u1', before });
    expect(await status(app, { sub: 'u1', iat: before })).toBe(401);
    expect(await status(app, { sub: 'u1', iat: before + 1 })).toBe(200);
    expect(await status(app, { sub: 'u1', iat: undefined })).toBe(401);
  });

  it('are those of the issuer that is named, with and without the slash', async () => {
    const app = await boot();
    await revoke(app, { sub: 'u1', issuer: `${issuer.server.issuer}/` });
    await revoke(app, { sub: 'u2', issuer: issuer.server.issuer });
    expect([await status(app, { sub: 'u1' }), await status(app, { sub: 'u2' })]).toEqual([401, 401]);
  });

  it('are refused before binding, scopes and groups', async () => {
    const app = await boot();
    await revoke(app, { sub: 'u1' });
    for (const path of ['/bound', '/admin']) {
      expect(await status(app, { sub: 'u1', cnf: { 'x5t#S256': 'x' } }, path)).toBe(401);
      expect(lastRefusal()).toContain('the token is revoked');
    }
    expect(await status(app, { sub: 'u1', aud: 'https://other' })).toBe(401);
    expect(lastRefusal()).toContain('aud is');
  });

  it('are opaque ones, too, although a remembered or a new answer of the provider says active', async () => {
    const app = await boot();
    const token = issuer.opaqueToken({ sub: 'u1' });
    const other = issuer.opaqueToken({ sub: 'u2' });
    expect((await app.get('/things', bearer(token))).status).toBe(200);
    await revoke(app, { sub: 'u1' });
    for (const path of ['/things', '/fresh']) {
      expect((await app.get(path, bearer(token))).status).toBe(401);
      expect((await app.get(path, bearer(other))).status).toBe(200);
    }
    await app.nest.get(TokenValidationService).forget({ sub: 'u1' });
    expect((await app.get('/things', bearer(token))).status).toBe(401);
  });

  it('are refused by validateAccessToken()', async () => {
    const app = await boot();
    const service = app.nest.get(TokenValidationService);
    const token = issuer.token({ claims: { sub: 'u1' } });
    await expect(service.validateAccessToken(token)).resolves.toMatchObject({ sub: 'u1' });
    await revoke(app, { sub: 'u1' });
    await expect(service.validateAccessToken(token)).rejects.toMatchObject({
      code: 'invalid_token',
      reason: 'revoked',
      status: 401,
    });
  });

  it('are forgotten after revocationDuration, when they have expired', async () => {
    holdClock();
    const app = await boot({ revocationDuration: 1000, clockTolerance: 10 });
    await revoke(app, { sub: 'u1' });
    const iat = nowInSeconds() - 1;
    const claims = { sub: 'u1', iat, exp: iat + 5000 };
    advanceClock(1005);
    expect(await status(app, claims)).toBe(401);
    advanceClock(10);
    expect(await status(app, claims)).toBe(200);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['nobody', {}],
    ['an issuer alone', { issuer: 'https://x.example' }],
    ['a time alone', { before: 1 }],
    ['two', { sub: 'u1', sid: 's1' }],
    ['an empty text', { sub: '' }],
    ['no text', { sub: 1 }],
    ['null', { sub: null }],
    ['a list', { sub: ['u1'] }],
    ['a name of the language', { constructor: 'x' }],
    ['something unknown', { email: 'a@b.c' }],
    ['something unknown beside', { sub: 'u1', tenant: 't' }],
    ['a time in milliseconds', { sub: 'u1', before: Date.now() * 1000 }],
    ['a time that is none', { sub: 'u1', before: NaN }],
    ['a negative time', { sub: 'u1', before: -1 }],
    ['a time in words', { sub: 'u1', before: 'now' }],
    ['an issuer that is not configured', { sub: 'u1', issuer: 'https://other.example' }],
    ['an issuer that is no text', { sub: 'u1', issuer: 1 }],
  ])('revoke() rejects for %s, and refuses nobody', async (_, selector) => {
    const app = await boot();
    await expect(revoke(app, selector as RevokeSelector)).rejects.toThrow(TypeError);
    expect(await status(app, { sub: 'u1', sid: 's1' })).toBe(200);
  });

  it('count in each instance that shares a store, also in one that starts later', async () => {
    const revocationStore = new MemoryRevocationStore();
    const one = await boot({ revocationStore });
    const two = await boot({ revocationStore });
    const alone = await boot();
    await revoke(one, { sub: 'u1' });
    const later = await boot({ revocationStore });
    for (const app of [one, two, later]) {
      expect([await status(app, { sub: 'u1' }), await status(app, { sub: 'u2' })]).toEqual([401, 200]);
    }
    expect(await status(alone, { sub: 'u1' })).toBe(200);
  });
});

/** Fails when told to; otherwise as the one in memory. */
class FailingStore implements RevocationStore {
  readonly memory = new MemoryRevocationStore();
  isDown = false;
  adds = 0;

  async add(revocation: Revocation): Promise<boolean> {
    this.adds++;
    if (this.isDown) throw new Error('no connection to redis://user:hunter2@redis');
    return this.memory.add(revocation);
  }
  async list(): Promise<readonly Revocation[]> {
    if (this.isDown) throw new Error('no connection');
    return this.memory.list();
  }
  subscribe(listener: RevocationListener): () => void {
    return this.memory.subscribe(listener);
  }
}

describe('a store that fails', () => {
  let issuer: Issuer;
  let app: TestApp;
  const store = (): FailingStore => new FailingStore();
  const state = async (of = app): Promise<unknown> =>
    (await of.nest.get(AuthHealthIndicator).isHealthy()).auth;
  const until = async (holds: () => unknown): Promise<void> => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  afterEach(() => app.close());
  afterAll(() => issuer.close());

  const boot = async (revocationStore: RevocationStore): Promise<void> => {
    app = await bootApp({ ...issuer.introspecting, revocationStore }, { platform: 'Express', controllers });
  };

  it('rejects, holds here, is logged once, and gets the revocation later', async () => {
    const failing = store();
    await boot(failing);
    expect(await state()).toMatchObject({ status: 'up', state: 'ready' });
    failing.isDown = true;
    const revocations = app.nest.get(TokenRevocations);
    const lines = loggedLines().length;
    for (const sub of ['u1', 'u2']) {
      const error: unknown = await revocations.revoke({ sub }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RevocationStoreError);
      expect(error).toMatchObject({ status: 503, headers: { 'Retry-After': '1' } });
      expect((await app.get('/things', bearer(issuer.token(earlier({ sub }))))).status).toBe(401);
    }
    expect(await state()).toMatchObject({ status: 'up', state: 'degraded' });
    const told = loggedLines()
      .slice(lines)
      .filter((line) => line.includes('revocation store'));
    expect(told).toEqual([
      'the revocation store fails (Error): known revocations stay in effect, new ones are shared later AuthModule',
    ]);
    failing.isDown = false;
    await until(() => failing.memory.list().length === 2);
    await until(async () => ((await state()) as { state: string }).state === 'ready');
    expect(loggedLines().at(-1)).not.toContain('hunter2');
  });

  it('does not stop the start, and what it has is known when it works again', async () => {
    const failing = store();
    const before = nowInSeconds() + 99;
    failing.memory.add({ id: '1', match: { sub: 'u1' }, before, until: before });
    failing.isDown = true;
    await boot(failing);
    expect(await state()).toMatchObject({ state: 'degraded' });
    const get = async (): Promise<number> =>
      (await app.get('/things', bearer(issuer.token(earlier({ sub: 'u1' }))))).status;
    expect(await get()).toBe(200);
    failing.isDown = false;
    await until(async () => (await get()) === 401);
  });

  it('may hand out anything: what names nobody refuses nobody', async () => {
    const ends = nowInSeconds() + 999;
    const good = { id: 'g', match: { sub: 'u1' }, before: nowInSeconds(), until: ends };
    const junk = [
      null,
      'text',
      {},
      { ...good, match: {} },
      { ...good, match: { sub: undefined } },
      { ...good, match: { sid: 's' }, withoutSid: true },
      { ...good, match: { sub: '' } },
      { ...good, match: { user: 'x' } },
      { ...good, match: null },
      { ...good, before: 'now' },
      { ...good, until: Infinity },
      { ...good, id: 1 },
    ];
    await boot({
      add: () => true,
      list: () => [...junk, good] as never,
      subscribe: (listener) => {
        for (const each of junk) listener(each as never);
        return () => undefined;
      },
    });
    const get = async (claims: Record<string, unknown>): Promise<number> =>
      (await app.get('/things', bearer(issuer.token(earlier(claims))))).status;
    expect([await get({ sub: 'u1' }), await get({ sub: 'u2' }), await get({ sub: undefined })]).toEqual([
      401, 200, 200,
    ]);
  });
});

describe('options of revocation', () => {
  const good = { issuer: 'https://issuer.example', audience: 'https://api.example.com' };
  const mistakes = async (options: Record<string, unknown>): Promise<string> => {
    try {
      await Test.createTestingModule({ imports: [AuthModule.forRoot({ ...good, ...options })] }).compile();
      return '';
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigurationError);
      return (error as Error).message;
    }
  };

  it.each<[Record<string, unknown>, string]>([
    [
      { revocationDuration: 0 },
      'revocationDuration (MONOCLOUD_BACKEND_REVOCATION_DURATION): 0 is not more than 0 seconds',
    ],
    [{ revocationDuration: '1d' }, 'is not a number of seconds'],
    [{ revocationStore: {} }, 'revocationStore: has no add, list and subscribe'],
    [
      { backChannelLogout: true },
      'logoutAudience (MONOCLOUD_BACKEND_LOGOUT_AUDIENCE): backChannelLogout requires it or clientId',
    ],
    [{ backChannelLogout: 'yes', logoutAudience: 'a' }, 'is not a path'],
    [{ backChannelLogout: { path: '/a/:id' }, logoutAudience: 'a' }, 'is not a path'],
    [{ backChannelLogout: { paht: '/a' }, logoutAudience: 'a' }, 'backChannelLogout.paht: is not an option'],
    [{ securityEvents: { path: '/e' } }, 'securityEvents.audience: required'],
    [{ securityEvents: { audience: 'a' } }, 'securityEvents.path: required'],
    [
      { securityEvents: { path: '/e', audience: 'a', jwksUri: 'http://ssf.example/jwks' } },
      'securityEvents.jwksUri: "http://ssf.example/jwks" is not https',
    ],
    [
      {
        backChannelLogout: true,
        logoutAudience: 'a',
        securityEvents: { path: '/backchannel-logout', audience: 'a' },
      },
      'securityEvents.path: is the path of backChannelLogout',
    ],
  ])('%j: %s', async (options, message) => {
    expect(await mistakes(options)).toContain(message);
  });

  it.each<[Record<string, unknown>]>([
    [{ backChannelLogout: false }],
    [{ backChannelLogout: 'true', logoutAudience: 'a' }],
    [{ backChannelLogout: '/logout', logoutAudience: 'a' }],
    [{ backChannelLogout: { path: '/logout' }, logoutAudience: 'a' }],
  ])('accepts %j', async (options) => {
    expect(await mistakes({ warmUp: 'off', ...options })).toBe('');
  });
});
