/** A cache that instances share: on a real Redis, poisoned, killed, and never to be read by whoever looks into it. */
import KeyvRedis from '@keyv/redis';
import { Controller, Get } from '@nestjs/common';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import {
  Introspect,
  Scopes,
  TokenValidationService,
  type AuthModuleOptions,
  type ClaimsCache,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock, holdClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';
import { describeWith, hasRedisServer, OwnRedis, REDIS_URL } from '../support/redis.js';

@Controller()
class ThingsController {
  @Get('things') list(): string {
    return 'ok';
  }
  @Get('live') @Introspect() live(): string {
    return 'ok';
  }
  @Get('scoped') @Scopes('admin') scoped(): string {
    return 'ok';
  }
}

/** Four lines that an application would write; and what lies in it. */
class MapCache implements ClaimsCache {
  readonly entries = new Map<string, string>();
  get = (key: string): unknown => this.entries.get(key);
  set = (key: string, value: string): unknown => this.entries.set(key, value);
  delete = (key: string): unknown => this.entries.delete(key);
}

describe.each(PLATFORMS)('a shared cache on %s', (platform) => {
  let issuer: Issuer;
  const apps: TestApp[] = [];

  const boot = async (
    cache: AuthModuleOptions['cache'],
    options: AuthModuleOptions = {},
  ): Promise<TestApp> => {
    const settings = { platform, controllers: [ThingsController] };
    const app = await bootApp({ ...issuer.introspecting, cache, ...options }, settings);
    apps.push(app);
    return app;
  };
  const status = async (app: TestApp, token: string, path = '/things'): Promise<number> =>
    (await app.get(path, bearer(token))).status;
  const asked = (): number => issuer.server.introspections.length;

  beforeEach(async () => {
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    await issuer.close();
  });

  it('spares the second instance the question, and judges what it holds like an answer', async () => {
    const cache = new MapCache();
    const [first, second] = [await boot(cache), await boot(cache)];
    const token = issuer.opaqueToken();
    expect([await status(first, token), await status(second, token), asked()]).toEqual([200, 200, 1]);
    expect(await status(second, token, '/scoped')).toBe(403);
    const third = await boot(cache);
    advanceClock(601);
    expect([await status(third, token), asked()]).toEqual([200, 2]);
    const fourth = await boot(cache, { clockTolerance: 0 });
    expect(await status(fourth, token)).toBe(401);
  });

  it('is asked again after ten seconds of memory, the provider after introspectionCacheDuration', async () => {
    const cache = new MapCache();
    const app = await boot(cache, { introspectionCacheDuration: 60 });
    const token = issuer.opaqueToken();
    await status(app, token);
    cache.get = () => undefined;
    advanceClock(9);
    await status(app, token);
    expect(asked()).toBe(1);
    advanceClock(2);
    await status(app, token);
    expect(asked()).toBe(2);
  });

  it('does not let an answer live longer in two places than in one', async () => {
    const cache = new MapCache();
    const options = { introspectionCacheDuration: 60 };
    const [first, second] = [await boot(cache, options), await boot(cache, options)];
    const token = issuer.opaqueToken();
    await status(first, token);
    issuer.server.introspected.delete(token);
    advanceClock(55);
    expect(await status(second, token)).toBe(200);
    advanceClock(6);
    expect(await status(second, token)).toBe(401);
  });

  it('keeps APIs, issuers and clients apart', async () => {
    const cache = new MapCache();
    const token = issuer.opaqueToken({ aud: ['https://api.example.com', 'https://b.example'] });
    await status(await boot(cache), token);
    await status(await boot(cache, { audience: 'https://b.example' }), token);
    expect(asked()).toBe(2);
    await status(await boot(cache, { clientSecret: 'another-secret-altogether' }), token);
    expect(asked()).toBe(3);
  });

  it('holds nothing that tells the token or the user', async () => {
    const cache = new MapCache();
    const token = issuer.opaqueToken({ sub: 'ann.of.accounting@example.com' });
    await status(await boot(cache), token);
    const dump = JSON.stringify([...cache.entries]);
    expect(cache.entries.size).toBe(1);
    expect(dump).not.toContain('ann.of');
    for (let i = 0; i + 8 <= token.length; i++) expect(dump).not.toContain(token.slice(i, i + 8));
  });

  it.each<[string, (value: string, key: string, cache: MapCache) => unknown]>([
    ['garbage', () => 'garbage'],
    ['an object', () => ({ claims: { sub: 'root' } })],
    ['a number', () => 7],
    [
      'claims in the clear',
      () => JSON.stringify({ issuer: 'x', askedAt: Date.now(), claims: { sub: 'root' } }),
    ],
    ['a value of another version', (value) => value.replace(/^v1/, 'v2')],
    ['a value cut short', (value) => value.slice(0, -4)],
    [
      'a value with one bit turned',
      (value) => value.slice(0, -3) + (value.at(-3) === 'A' ? 'B' : 'A') + value.slice(-2),
    ],
    [
      'the value of another token',
      (_value, key, cache) => [...cache.entries].find(([other]) => other !== key)?.[1],
    ],
  ])('takes %s for a miss', async (_, poison) => {
    const cache = new MapCache();
    const first = await boot(cache);
    const [admin, token] = [issuer.opaqueToken({ scope: 'admin' }), issuer.opaqueToken()];
    await status(first, token);
    const [key = '', value = ''] = [...cache.entries][0] ?? [];
    await status(first, admin);
    cache.entries.set(key, poison(value, key, cache) as string);
    const before = asked();
    const second = await boot(cache);
    expect([await status(second, token, '/scoped'), await status(second, token)]).toEqual([403, 200]);
    expect(asked()).toBe(before + 1);
  });

  it.each<[string, () => unknown]>([
    ['fails', () => Promise.reject(new Error('ECONNREFUSED'))],
    [
      'throws',
      () => {
        throw new Error('closed');
      },
    ],
    ['does not answer', () => new Promise(() => undefined)],
  ])('that %s is left out, said once, and taken back', async (_, fail) => {
    const cache = new MapCache();
    let calls = 0;
    const failing = (): unknown => (calls++, fail());
    let isUp = false;
    const app = await boot({
      get: (key) => (isUp ? cache.get(key) : failing()),
      set: (key, value) => (isUp ? cache.set(key, value) : failing()),
      delete: (key) => (isUp ? cache.delete(key) : failing()),
    });
    // Until the clock says otherwise, the pause goes on.
    holdClock();
    expect(await status(app, issuer.opaqueToken())).toBe(200);
    const failed = calls;
    const tokens = Array.from({ length: 50 }, () => issuer.opaqueToken());
    expect(new Set(await Promise.all(tokens.map((token) => status(app, token))))).toEqual(new Set([200]));
    expect(calls).toBe(failed);
    expect(loggedLines().filter((line) => line.includes('shared cache'))).toHaveLength(1);

    isUp = true;
    advanceClock(31);
    const token = issuer.opaqueToken();
    expect(await status(app, token)).toBe(200);
    expect(cache.entries.size).toBe(1);
    expect(await status(await boot(cache), token)).toBe(200);
    expect(asked()).toBe(52);
    expect(loggedLines().filter((line) => line.includes('the shared cache works again'))).toHaveLength(1);
  });

  it('is forgotten in all instances but for their memory, and says so', async () => {
    const cache = new MapCache();
    const [first, second, third] = [await boot(cache), await boot(cache), await boot(cache)];
    const token = issuer.opaqueToken({ sub: 'ann' });
    await status(first, token);
    await status(second, token);
    issuer.server.introspected.delete(token);
    // The instance that is told has never seen the token: the mark in the shared cache does it.
    const report = await third.nest.get(TokenValidationService).forget({ sub: 'ann' });
    expect(report).toEqual({
      evicted: 0,
      notReached: [
        'JWTs validated locally: valid until they expire',
        'the memory of other instances: for up to 10 s',
      ],
    });
    expect([await status(third, token), await status(second, token)]).toEqual([401, 200]);
    advanceClock(11);
    expect([await status(first, token), await status(second, token)]).toEqual([401, 401]);
  });

  it('does not bring a revoked token back that a live question refused', async () => {
    const cache = new MapCache();
    const [first, second] = [await boot(cache), await boot(cache)];
    const token = issuer.opaqueToken();
    await status(first, token);
    issuer.server.introspected.delete(token);
    expect(await status(second, token, '/live')).toBe(401);
    advanceClock(11);
    expect([await status(second, token), await status(first, token)]).toEqual([401, 401]);
  });

  it.each<[string, () => unknown]>([
    ['fails', () => Promise.reject(new Error('down'))],
    ['says that it did not take it, as Keyv does', () => Promise.resolve(false)],
  ])('that %s is named by forget', async (_, fail) => {
    const app = await boot({ get: fail, set: fail, delete: fail });
    const { notReached } = await app.nest.get(TokenValidationService).forget({ sub: 'ann' });
    expect(notReached).toContain('the shared cache, which failed: for up to 300 s');
  });

  describeWith(REDIS_URL !== undefined, 'set REDIS_URL', `Redis and ${platform}`, () => {
    const stores: Keyv[] = [];
    const keyv = (): Keyv => {
      const store = new Keyv(new KeyvRedis(REDIS_URL), { namespace: `test-${process.pid}` });
      stores.push(store);
      return store;
    };
    afterEach(async () => {
      await stores[0]?.clear();
      await Promise.all(stores.splice(0).map((store) => store.disconnect()));
    });

    it.each([
      ['a cache-manager Cache', () => createCache({ stores: [keyv()] })],
      ['a Keyv', keyv],
    ])('through %s', async (_, make) => {
      const [first, second] = [await boot(make()), await boot(make())];
      const token = issuer.opaqueToken();
      expect(await status(first, token)).toBe(200);
      // The first instance does not make a request wait for Redis to take the answer.
      await expectSoon(async () => (await keysOf(keyv())).length > 0);
      const statuses = await Promise.all(Array.from({ length: 500 }, () => status(first, token)));
      expect(new Set(statuses)).toEqual(new Set([200]));
      expect([await status(second, token), asked()]).toEqual([200, 1]);
      const dump = JSON.stringify(await keysOf(keyv()));
      for (let i = 0; i + 8 <= token.length; i++) expect(dump).not.toContain(token.slice(i, i + 8));
    });
  });

  describeWith(hasRedisServer, 'install redis-server', `Redis killed under load and ${platform}`, () => {
    it('fails no request, answers none wrongly, and is reported in ones', async () => {
      const redis = await OwnRedis.start();
      const adapter = new KeyvRedis(redis.url);
      const store = new Keyv(adapter);
      store.on('error', () => undefined);
      const app = await boot(createCache({ stores: [store] }), { introspectionCacheDuration: 5 });
      const good = Array.from({ length: 20 }, () => issuer.opaqueToken());
      const answers: (readonly [expected: number, got: number])[] = [];
      const traffic = { isOn: true };
      const load = async (): Promise<void> => {
        for (let i = 0; traffic.isOn; i++) {
          const [bad, token] = [`junk-${i % 50}`, good[i % good.length] ?? ''];
          answers.push([200, await status(app, token)], [401, await status(app, bad)]);
          advanceClock(0.02);
        }
      };
      const running = [load(), load(), load(), load()];
      const served = async (count: number): Promise<void> => {
        const until = answers.length + count;
        await expectSoon(() => answers.length >= until);
      };
      await served(400);
      await redis.kill();
      await served(400);
      await redis.restart();
      await served(400);
      traffic.isOn = false;
      await Promise.all(running);
      expect(answers.filter(([expected, got]) => expected !== got)).toEqual([]);
      expect(loggedLines().filter((line) => line.includes('shared cache')).length).toBeLessThanOrEqual(6);
      await adapter.disconnect(true);
      await redis.kill();
    }, 60_000);
  });
});

async function expectSoon(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 2000; attempt++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not come about');
}

/** Keys and values as they lie in Redis. */
async function keysOf(store: Keyv): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for await (const entry of store.iterator?.({}) ?? []) found.push(entry);
  return found;
}
