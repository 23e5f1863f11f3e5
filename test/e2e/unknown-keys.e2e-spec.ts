/** Tokens of keys that are not known: a rotation is served at once, a flood of invented names hides none and costs little. */
import type { AuthModuleOptions } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { makeKey, type SigningKey } from '../support/tokens.js';

describe.each(PLATFORMS)('unknown keys on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  beforeEach(async () => {
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    await app.close();
    await issuer.close();
  });

  const boot = async (options: AuthModuleOptions = {}): Promise<void> => {
    app = await bootApp({ ...issuer.options, ...options }, { platform });
    expect(await status()).toBe(200);
  };
  const status = async (token = issuer.token()): Promise<number> =>
    (await app.get('/things', bearer(token))).status;
  const fetches = (): number => issuer.server.count('/jwks');
  let invented = 0;
  const invent = (): string => issuer.token({ header: { kid: `invented-${invented++}` } });

  it('accepts the first token of a new key in the middle of a flood of invented names', async () => {
    await boot();
    advanceClock(1);
    const beganAt = performance.now();
    const flood = Array.from({ length: 50 }, async () => {
      const statuses = new Set<number>();
      for (let i = 0; i < 30; i++) statuses.add(await status(invent()));
      return [...statuses];
    });
    // Fetches for invented names are under way when the issuer rotates.
    await issuer.server.asked('/jwks', 3);
    issuer.rotate();
    expect(await status()).toBe(200);
    const statuses = new Set((await Promise.all(flood)).flat());
    // Too many at once are not looked up: whether the issuer has such a key is not known then.
    expect([...statuses].filter((each) => each !== 401 && each !== 503)).toEqual([]);
    // One at the start, one at once, then one a second.
    expect(fetches()).toBeLessThanOrEqual(3 + (performance.now() - beganAt) / 1000);
  }, 60_000);

  it('never calls a new key unknown while a flood of invented names goes on and on, and finds it with the next fetch', async () => {
    await boot({ responseTimeout: 1.5 });
    const run = { isOver: false, throttled: 0 };
    const flood = Array.from({ length: 40 }, async () => {
      while (!run.isOver) {
        const answer = await app.get('/things', bearer(invent()));
        expect([401, 503]).toContain(answer.status);
        if (answer.status === 401) continue;
        expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
        run.throttled++;
      }
    });
    const known = issuer.token();
    while (run.throttled < 50) expect(await status(known)).toBe(200);

    const fetched = fetches();
    const rotatedAt = performance.now();
    issuer.rotate();
    issuer.server.keys.push(...issuer.previous);
    let answer = await app.get('/things', bearer(issuer.token()));
    for (; answer.status !== 200; answer = await app.get('/things', bearer(issuer.token()))) {
      expect(answer.status).toBe(503);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
    // The flood has one a second fetched, all the while.
    expect(fetches() - fetched).toBeLessThanOrEqual(2 + (performance.now() - rotatedAt) / 1000);
    expect(await status(known)).toBe(200);
    run.isOver = true;
    await Promise.all(flood);
  }, 60_000);

  it('asks once for a name that is not there, however often it comes', async () => {
    await boot();
    const token = invent();
    for (let i = 0; i < 20; i++) expect(await status(token)).toBe(401);
    expect(fetches()).toBe(2);
    advanceClock(11);
    expect(await status(token)).toBe(401);
    expect(fetches()).toBe(3);
  });

  it('does not ask again for a name that is there, with a signature that is not', async () => {
    await boot();
    const forged = issuer.token().replace(/.{8}$/, 'AAAAAAAA');
    for (let i = 0; i < 5; i++) expect(await status(forged)).toBe(401);
    expect(fetches()).toBe(1);
  });

  describe('where keys have no kid', () => {
    const nameless = (): SigningKey => makeKey('ES256', 'unused', { kid: undefined });

    it.each<[string, (old: SigningKey) => SigningKey[], SigningKey]>([
      ['one key without kid stays in the set', (old) => [nameless(), old], makeKey('ES256')],
      ['all keys were without kid', () => [nameless(), nameless()], makeKey('ES256')],
      ['the only key was without kid', () => [nameless()], makeKey('ES256')],
      [
        'the new key has none, either, and its tokens name one',
        () => [nameless()],
        makeKey('ES256', 'new', { kid: undefined }),
      ],
    ])('serves a rotation at once where %s', async (_, before, next) => {
      await boot();
      const stays = before(issuer.key);
      issuer.server.keys = stays.map(({ jwk }) => jwk);
      advanceClock(301);
      for (const key of stays) expect(await status(issuer.token({}, key))).toBe(200);
      const known = fetches();
      issuer.key = next;
      issuer.server.keys = [...issuer.server.keys.slice(0, 1), next.jwk];
      expect(await status()).toBe(200);
      expect(fetches()).toBe(known + 1);
    });

    it('remembers a forged token without kid, and looks for its key once', async () => {
      issuer.server.keys.push(...Array.from({ length: 15 }, () => makeKey('ES512').jwk));
      await boot();
      const forged = issuer.token({ header: { kid: undefined } }, makeKey('ES512'));
      const statuses = await Promise.all(Array.from({ length: 30 }, () => status(forged)));
      expect(new Set(statuses)).toEqual(new Set([401]));
      for (let i = 0; i < 10; i++) expect(await status(forged)).toBe(401);
      // Of those that came together, some came when the fetch was under way already.
      expect(fetches()).toBeLessThanOrEqual(3);
    });
  });

  it('says 401 of a name that is not there after a good answer, and 503 while there is none', async () => {
    await boot();
    expect(await status(invent())).toBe(401);
    issuer.server.goDown();
    advanceClock(2);
    expect(await status(invent())).toBe(503);
    issuer.server.recover();
    advanceClock(2);
    expect(await status(invent())).toBe(401);
  });

  it('keeps verified tokens of a key that survives a rotation, and ends those of one that does not', async () => {
    await boot({ jwksCacheDuration: 60 });
    const old = issuer.token();
    const staying = issuer.key;
    const leaving = issuer.key;
    expect(await status(old)).toBe(200);
    issuer.rotate();
    issuer.server.keys.push(staying.jwk);
    advanceClock(61);
    expect([await status(old), await status()]).toEqual([200, 200]);
    issuer.server.keys = issuer.server.keys.filter((jwk) => jwk !== leaving.jwk);
    advanceClock(61);
    expect([await status(old), await status()]).toEqual([401, 200]);
  });
});
