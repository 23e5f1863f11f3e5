/** Names of keys that nobody knows: a rotation is served at once, a flood of inventions costs the issuer next to nothing. */
import { Controller, Get } from '@nestjs/common';
import type { AuthModuleOptions } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';

@Controller()
class ThingsController {
  @Get('things') list(): string {
    return 'things';
  }
}

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
    app = await bootApp({ ...issuer.options, ...options }, { platform, controllers: [ThingsController] });
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
    const flood = Array.from({ length: 50 }, async () => {
      const statuses = new Set<number>();
      for (let i = 0; i < 60; i++) statuses.add(await status(invent()));
      return [...statuses];
    });
    // A quarter of the budget is gone when the issuer rotates.
    await issuer.server.asked('/jwks', 3);
    issuer.rotate();
    expect(await status()).toBe(200);
    expect(new Set((await Promise.all(flood)).flat())).toEqual(new Set([401]));
    // Two at the start, six of the budget, and what came back of it on a slow machine.
    expect(fetches()).toBeLessThanOrEqual(10);
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
