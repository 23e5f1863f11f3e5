/** A DPoP proof works once: for as long as it is fresh, whatever becomes of the clock, and whoever fills the store. */
import { MemoryReplayStore, RedisReplayStore, type AuthModuleOptions } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock, jumpClock } from '../support/clock.js';
import { DPoPClient } from '../support/dpop.js';
import type { Answer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { keepSecret, loggedLines } from '../support/no-secrets-in-output.js';
import { nowInSeconds } from '../support/tokens.js';

const NONCE_SECRET = keepSecret('another-secret-for-nonces-of-40-characters');

/** Redis, as far as the store can tell: it forgets by a clock that only runs forward. */
class FakeRedis {
  readonly #until = new Map<string, number>();

  sendCommand([, id = '', , , , seconds]: string[]): Promise<unknown> {
    if ((this.#until.get(id) ?? 0) > performance.now()) return Promise.resolve(null);
    this.#until.set(id, performance.now() + Number(seconds) * 1000);
    return Promise.resolve('OK');
  }
}

type Dpop = NonNullable<AuthModuleOptions['dpop']>;
const STORES: readonly (readonly [string, () => Dpop])[] = [
  ['in memory', () => ({})],
  ['in memory, with nonces', () => ({ nonce: NONCE_SECRET })],
  ['in Redis', () => ({ replayStore: new RedisReplayStore(new FakeRedis()) })],
  [
    'in Redis, with nonces',
    () => ({ nonce: NONCE_SECRET, replayStore: new RedisReplayStore(new FakeRedis()) }),
  ],
];

const lastRefusal = (): string | undefined =>
  loggedLines().findLast((each) => each.startsWith('ThingsController.list: 401 '));

describe.each(PLATFORMS)('used proofs on %s', (platform) => {
  let issuer: Issuer;
  let client: DPoPClient;
  const apps: TestApp[] = [];

  const boot = async (dpop: Dpop): Promise<TestApp> => {
    const app = await bootApp({ ...issuer.options, dpop }, { platform });
    apps.push(app);
    return app;
  };
  /** A proof of the client for now, with a nonce where one is needed, and the token that it goes with. */
  const prove = async (
    app: TestApp,
    claims: Record<string, unknown> = {},
    by = client,
  ): Promise<Record<string, string>> => {
    const token = issuer.token({ claims: { cnf: { jkt: by.jkt }, exp: nowInSeconds() + 100_000 } });
    const request = { url: `${app.origin}/things`, token };
    const { headers } = await app.get('/things', by.headers(request));
    return by.headers(request, { claims: { nonce: headers['dpop-nonce'], ...claims } });
  };
  const call = (app: TestApp, headers: Record<string, string>): Promise<Answer> =>
    app.get('/things', headers);
  const status = async (app: TestApp, headers: Record<string, string>): Promise<number> =>
    (await call(app, headers)).status;

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  beforeEach(async () => {
    client = await DPoPClient.make();
  });
  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));
  afterAll(() => issuer.close());

  it.each([
    ['in memory', () => ({})],
    ['in Redis', () => ({ replayStore: new RedisReplayStore(new FakeRedis()) })],
  ])('are remembered %s for as long as they are fresh, also those from the future', async (_, dpop) => {
    const app = await boot(dpop());
    const early = await prove(app, { iat: nowInSeconds() + 58 });
    expect(await status(app, early)).toBe(200);
    for (const seconds of [30, 32, 54]) {
      advanceClock(seconds);
      expect([seconds, await status(app, early)]).toEqual([seconds, 401]);
      expect(lastRefusal()).toContain('the proof was used before');
    }
  });

  it('are remembered for as long as their nonce is good', async () => {
    const app = await boot({ nonce: NONCE_SECRET });
    // The instance that makes the nonce has a clock that is ahead.
    const toSlot = 60 - (nowInSeconds() % 60);
    advanceClock(toSlot + 30);
    jumpClock(40);
    const ahead = await prove(app);
    jumpClock(-40);
    expect(await status(app, ahead)).toBe(200);
    advanceClock(125);
    expect(await status(app, ahead)).toBe(401);
    expect(lastRefusal()).toContain('the proof was used before');
  });

  it.each(STORES)('do not work again after the clock was set back (%s)', async (_, dpop) => {
    const app = await boot(dpop());
    const used = await prove(app);
    expect(await status(app, used)).toBe(200);
    for (const [passed, setBackBy] of [
      [200, 200],
      [200, 230],
      [10, 40],
    ] as const) {
      advanceClock(passed);
      jumpClock(-setBackBy);
      expect([passed, await status(app, used)]).toEqual([passed, 401]);
    }
  });

  it('are told from new ones after the clock was set back, also where a jti comes again', async () => {
    const app = await boot({});
    const jti = 'counter-1';
    const used = await prove(app, { jti });
    expect(await status(app, used)).toBe(200);
    advanceClock(200);
    expect(await status(app, await prove(app, { jti }))).toBe(200);
    advanceClock(200);
    jumpClock(-400);
    expect(await status(app, used)).toBe(401);
    expect(await status(app, await prove(app))).toBe(200);
  });

  it('cost only the client that fills the store', async () => {
    const app = await boot({ replayStore: new MemoryReplayStore(10) });
    const answers: Answer[] = [];
    for (let i = 0; i < 12; i++) answers.push(await call(app, await prove(app, {})));
    expect(answers.map(({ status: each }) => each).filter((each) => each === 503)).not.toHaveLength(0);
    const refused = answers.find(({ status: each }) => each === 503);
    expect(refused?.headers['retry-after']).toBe('1');
    const other = await DPoPClient.make();
    expect(await status(app, await prove(app, {}, other))).toBe(200);
    advanceClock(122);
    expect(await status(app, await prove(app))).toBe(200);
  });
});
