/** Tenants that are not known at start: what the application's function says, and for how long. */
import { runInNewContext } from 'node:vm';
import {
  AuthHealthIndicator,
  IssuerRegistry,
  type AuthModuleOptions,
  type IssuerOptions,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { decisionsDuring, INTROSPECTING, TenantController } from '../support/tenants.js';
import { makeKey, signToken } from '../support/tokens.js';

const SAME_KID = 'key-1';

/** Another class of promises, as some database libraries have. */
const OtherPromise = runInNewContext('Promise') as PromiseConstructor;

describe.each(PLATFORMS)('a function of issuers on %s', (platform) => {
  let acme: Issuer;
  let globex: Issuer;
  let app: TestApp | undefined;
  /** What the function was asked. */
  let asked: string[];
  let tenants: Map<string, Partial<IssuerOptions>>;

  beforeEach(async () => {
    [acme, globex] = await Promise.all([
      Issuer.start({}, makeKey('ES256', SAME_KID)),
      Issuer.start({}, makeKey('ES256', SAME_KID)),
    ]);
    asked = [];
    tenants = new Map([
      [acme.server.issuer, { name: 'acme' }],
      [globex.server.issuer, { name: 'globex' }],
    ]);
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await Promise.all([acme.close(), globex.close()]);
  });

  const find = (iss: string): IssuerOptions | undefined => {
    asked.push(iss);
    const tenant = tenants.get(iss);
    return tenant && { issuer: iss, ...tenant };
  };
  const boot = async (options: AuthModuleOptions = {}): Promise<void> => {
    app = await bootApp(
      { audience: AUDIENCE, issuers: find, ...options },
      { platform, controllers: [TenantController] },
    );
  };
  const ask = async (token: string, path = '/whoami'): Promise<number | undefined> =>
    (await app?.get(path, bearer(token)))?.status;
  const forget = (issuer: string): boolean | undefined => app?.nest.get(IssuerRegistry).forget(issuer);

  it.each([
    ['that answers', (answer: IssuerOptions | undefined) => answer],
    ['that promises', (answer: IssuerOptions | undefined) => Promise.resolve(answer)],
    ['with promises of its own', (answer: IssuerOptions | undefined) => OtherPromise.resolve(answer)],
  ])('%s is asked once for each tenant, and its answer remembered', async (_name, wrap) => {
    await boot({ issuers: (iss) => wrap(find(iss)) });
    const tokens = [acme, globex].flatMap((each) => [each.token(), each.token(), each.token()]);
    expect(await Promise.all(tokens.map((token) => ask(token)))).toEqual(tokens.map(() => 200));
    expect(asked.toSorted()).toEqual([acme.server.issuer, globex.server.issuer].toSorted());
    expect([acme.server.count('/jwks'), globex.server.count('/jwks')]).toEqual([1, 1]);
    expect(await ask(signToken(acme.key, globex.claims()))).toBe(401);
    const events = await decisionsDuring(() => ask(acme.token()));
    expect(events.map(({ issuer }) => issuer)).toEqual(['acme']);
    expect((await app?.nest.get(AuthHealthIndicator).isHealthy())?.auth).toMatchObject({
      status: 'up',
      state: 'ready',
      issuers: { acme: { state: 'ready' }, globex: { state: 'ready' } },
    });
  });

  it('a tenant is reported as down while its provider fails and its keys are too old to use', async () => {
    await boot({ jwksCacheDuration: 60, metadataCacheDuration: 6000, maxStale: 600 });
    const states = async (): Promise<unknown> => (await app?.nest.get(AuthHealthIndicator).isHealthy())?.auth;
    expect([await ask(acme.token()), await ask(globex.token())]).toEqual([200, 200]);
    acme.server.goDown();
    advanceClock(61);
    expect([await ask(acme.token()), await ask(globex.token())]).toEqual([200, 200]);
    expect(await states()).toMatchObject({ issuers: { acme: { state: 'degraded' } } });
    advanceClock(600);
    expect([await ask(acme.token()), await ask(globex.token())]).toEqual([503, 200]);
    expect(await states()).toMatchObject({
      issuers: { acme: { state: 'down' }, globex: { state: 'ready' } },
    });
  });

  it('an unknown issuer is 401, also on optional routes; nobody is called, and the function once a minute', async () => {
    tenants.delete(globex.server.issuer);
    await boot();
    const token = globex.token();
    expect([await ask(token), await ask(token, '/optional'), await ask(globex.token())]).toEqual([
      401, 401, 401,
    ]);
    expect([asked, globex.server.requests]).toEqual([[globex.server.issuer], []]);
    tenants.set(globex.server.issuer, {});
    expect(await ask(token)).toBe(401);
    advanceClock(61);
    expect(await ask(token)).toBe(200);
  });

  it('a tenant that was added is known at once after forget()', async () => {
    tenants.delete(globex.server.issuer);
    await boot();
    const token = globex.token();
    expect(await ask(token)).toBe(401);
    tenants.set(globex.server.issuer, {});
    expect(forget(globex.server.issuer)).toBe(true);
    expect(await ask(token)).toBe(200);
  });

  it('an invented spelling makes no tenant unknown', async () => {
    await boot();
    expect(await ask(acme.token({ claims: { iss: `${acme.server.issuer}/` } }))).toBe(401);
    expect(await ask(acme.token())).toBe(200);
  });

  it('a tenant that was removed is gone at once after forget(), and by itself within its cache time', async () => {
    await boot({ metadataCacheDuration: 120 });
    const [a, b] = [acme.token(), globex.token()];
    expect([await ask(a), await ask(b)]).toEqual([200, 200]);
    tenants.clear();
    expect(forget('acme')).toBe(true);
    expect([await ask(a), await ask(b)]).toEqual([401, 200]);
    advanceClock(121);
    expect(await ask(b)).toBe(401);
  });

  it('changed settings count after the cache time; the same ones cost nothing', async () => {
    await boot({ metadataCacheDuration: 120, jwksCacheDuration: 10_000 });
    const token = acme.token();
    expect(await ask(token)).toBe(200);
    advanceClock(121);
    expect([await ask(token), acme.server.count('/jwks')]).toEqual([200, 1]);
    expect(asked).toHaveLength(2);
    tenants.set(acme.server.issuer, { name: 'acme', audience: 'https://other.example' });
    expect(await ask(token)).toBe(200);
    advanceClock(121);
    expect(await ask(token)).toBe(401);
  });

  it.each<[string, (iss: string) => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no database');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
    ['names another issuer', () => ({ issuer: 'https://another.example' })],
    ['answers with a mistaken option', (iss) => ({ issuer: iss, clockTolerance: 'x' })],
    ['answers with an unknown option', (iss) => ({ issuer: iss, colour: 'red' })],
    ['answers with text', () => 'acme'],
    ['introspects without opaqueTokenIssuer', (iss) => ({ issuer: iss, ...INTROSPECTING })],
  ])('500 where it %s, and that is not remembered', async (_name, answer) => {
    let isMistaken = true;
    await boot({ issuers: (iss) => (isMistaken ? answer(iss) : find(iss)) as IssuerOptions });
    const token = acme.token();
    const events = await decisionsDuring(async () => {
      expect([await ask(token), await ask(token, '/optional')]).toEqual([500, 500]);
    });
    expect(events.map(({ reason }) => reason)).toEqual(['invalid_configuration', 'invalid_configuration']);
    expect(acme.server.requests).toEqual([]);
    isMistaken = false;
    expect(await ask(token)).toBe(200);
  });

  it('may change one object for all tenants: what was answered stays', async () => {
    const shared: { issuer: string; name?: string; audience?: string[] } = { issuer: '' };
    const audiences = [''];
    await boot({
      issuers: (iss) => {
        audiences[0] = iss === acme.server.issuer ? 'https://acme.example' : AUDIENCE;
        return Object.assign(shared, { issuer: iss, name: iss, audience: audiences });
      },
    });
    const a = acme.token({ claims: { aud: 'https://acme.example' } });
    expect([await ask(a), await ask(globex.token())]).toEqual([200, 200]);
    // Of the later answer nothing has come to the earlier one, and the other way round.
    expect([
      await ask(acme.token()),
      await ask(globex.token({ claims: { aud: 'https://acme.example' } })),
    ]).toEqual([401, 401]);
    expect(await ask(acme.token({ claims: { aud: 'https://acme.example' } }))).toBe(200);
  });

  it('opaque tokens go where opaqueTokenIssuer says', async () => {
    await boot({
      ...INTROSPECTING,
      opaqueTokenIssuer: (_token, request) => request?.headers['x-tenant'] as string | undefined,
    });
    const token = globex.opaqueToken();
    const status = async (tenant: string): Promise<number | undefined> =>
      (await app?.get('/whoami', { ...bearer(token), 'x-tenant': tenant }))?.status;
    expect(await status(globex.server.issuer)).toBe(200);
    expect([
      await status('globex'),
      await status(acme.server.issuer),
      await status('https://no.example'),
    ]).toEqual([200, 401, 401]);
    expect([acme.server.introspections.length, globex.server.introspections.length]).toEqual([1, 1]);
    await expect(boot(INTROSPECTING)).rejects.toThrow(/opaqueTokenIssuer: required/);
  });

  it('10,000 invented issuers: nobody is called, and what is remembered is bounded', async () => {
    await boot();
    const registry = app?.nest.get(IssuerRegistry);
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      await Promise.resolve()
        .then(() => registry?.find(`https://tenant-${i}.example`))
        .catch(() => refused++);
    }
    expect([refused, asked.length]).toEqual([20_000, 20_000]);
    expect(registry?.known).toEqual([]);
    // The last ones are remembered, the first ones have made room.
    await expect(
      Promise.resolve().then(() => registry?.find('https://tenant-19999.example')),
    ).rejects.toThrow();
    await expect(Promise.resolve().then(() => registry?.find('https://tenant-0.example'))).rejects.toThrow();
    expect(asked.length).toBe(20_001);
    expect([acme.server.requests, globex.server.requests]).toEqual([[], []]);
  });

  it('remembers 1,000 issuers, and forgets the one used least lately', async () => {
    await boot({
      issuers: (iss) => {
        asked.push(iss);
        return { issuer: iss };
      },
    });
    const registry = app?.nest.get(IssuerRegistry);
    for (let i = 0; i < 1001; i++) await registry?.find(`https://tenant-${i}.example`);
    expect(registry?.known).toHaveLength(1000);
    await registry?.find('https://tenant-1000.example');
    expect(asked).toHaveLength(1001);
    await registry?.find('https://tenant-0.example');
    expect(asked).toHaveLength(1002);
  });
});
