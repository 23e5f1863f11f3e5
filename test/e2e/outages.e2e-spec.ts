/** What a provider that is slow, broken or gone costs the application: nothing that it could have had at hand. */
import type { AuthModuleOptions } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { sendJson } from '../support/authorization-server.js';
import { advanceClock, holdClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';
import { makeKey } from '../support/tokens.js';

const DISCOVERY = '/.well-known/openid-configuration';

describe.each(PLATFORMS)('outages on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp | undefined;

  const boot = async (options: AuthModuleOptions = {}): Promise<void> => {
    app = await bootApp({ ...issuer.options, ...options }, { platform });
  };
  const call = (token = issuer.token()) => app?.get('/things', bearer(token));
  const status = async (token?: string): Promise<number | undefined> => (await call(token))?.status;
  const said = (text: string): number => loggedLines().filter((line) => line.includes(text)).length;

  beforeEach(async () => {
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await issuer.close();
  });

  describe('warm-up', () => {
    it('has the keys ready before the first request', async () => {
      await boot();
      await issuer.server.asked('/jwks', 1);
      expect(await status()).toBe(200);
      expect(issuer.server.requests).toEqual([DISCOVERY, '/jwks']);
    });

    it('asks for nothing before the first request when it is off', async () => {
      await boot({ warmUp: 'off' });
      expect(issuer.server.requests).toEqual([]);
      expect(await status()).toBe(200);
    });

    it('starts without a provider, answers 503 with Retry-After, and recovers by itself', async () => {
      issuer.server.goDown();
      await boot();
      const answer = await call();
      expect(answer?.status).toBe(503);
      expect(Number(answer?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      issuer.server.recover();
      // No request asks for it.
      await issuer.server.asked('/jwks', 1);
      expect(await status()).toBe(200);
      expect(said('fetching the keys works again')).toBe(1);
    });

    it('does not start without a provider where that is required', async () => {
      issuer.server.goDown();
      await expect(boot({ warmUp: 'required' })).rejects.toMatchObject({ code: 'provider_unavailable' });
      issuer.server.recover();
      await boot({ warmUp: 'required' });
      expect(issuer.server.count('/jwks')).toBe(1);
    });

    it('does not start with a provider that shows a mistake, where it is required', async () => {
      await expect(
        boot({ warmUp: 'required', issuer: `${issuer.server.origin}/nobody` }),
      ).rejects.toMatchObject({ code: 'invalid_configuration' });
    });

    it('fetches no keys where every token is introspected', async () => {
      await boot({ ...issuer.introspecting, introspectJwtTokens: true });
      await issuer.server.asked(DISCOVERY, 1);
      expect(await status(issuer.opaqueToken())).toBe(200);
      expect(issuer.server.count('/jwks')).toBe(0);
    });
  });

  it('asks for keys and metadata again before they are stale, without a request', async () => {
    await boot({ jwksCacheDuration: 0.4, metadataCacheDuration: 0.4 });
    await issuer.server.asked('/jwks', 3);
    await issuer.server.asked(DISCOVERY, 3);
    issuer.rotate();
    const known = issuer.server.count('/jwks');
    await issuer.server.asked('/jwks', known + 1);
    expect(await status()).toBe(200);
  });

  it('goes on with what it has for as long as maxStale says, and no longer', async () => {
    await boot({ jwksCacheDuration: 60, metadataCacheDuration: 60, maxStale: 600 });
    expect(await status()).toBe(200);
    issuer.server.goDown();
    advanceClock(60 + 599);
    expect(await status()).toBe(200);
    advanceClock(2);
    expect(await status()).toBe(503);
  });

  describe('while discovery and keys hang', () => {
    const hang = (): void => {
      for (const path of [DISCOVERY, '/jwks']) issuer.server.answer(path, () => undefined);
    };

    it('serves what it can verify, as soon as it is no longer fresh', async () => {
      await boot({ jwksCacheDuration: 60, metadataCacheDuration: 60, responseTimeout: 0.5 });
      const known = issuer.token();
      expect(await status(known)).toBe(200);
      hang();
      advanceClock(61);
      // Seen before, and not; the first to find the keys stale, together with others, and after it.
      expect(await Promise.all([status(known), status(), status()])).toEqual([200, 200, 200]);
      expect([await status(known), await status()]).toEqual([200, 200]);
      for (let minute = 0; minute < 10; minute++) {
        advanceClock(60);
        expect(await Promise.all([status(known), status()])).toEqual([200, 200]);
      }
    });

    it('does not wait for responseTimeout to do so', async () => {
      await boot({ jwksCacheDuration: 60, metadataCacheDuration: 60, responseTimeout: 600 });
      const known = issuer.token();
      expect(await status(known)).toBe(200);
      hang();
      advanceClock(61);
      expect([await status(known), await status(), await status(known)]).toEqual([200, 200, 200]);
    });

    it('introspects all the same', async () => {
      await boot({ ...issuer.introspecting, metadataCacheDuration: 60, responseTimeout: 600 });
      expect(await status(issuer.opaqueToken())).toBe(200);
      hang();
      advanceClock(61);
      expect([await status(issuer.opaqueToken()), await status(issuer.opaqueToken())]).toEqual([200, 200]);
    });

    it('finds a provider that answers again although the old calls still hang, for those who wait, too', async () => {
      await boot({ responseTimeout: 600 });
      expect(await status()).toBe(200);
      advanceClock(2);
      issuer.rotate();
      hang();
      const waiting = status();
      await issuer.server.asked('/jwks', 2);
      issuer.server.recover();
      const answered: (number | undefined)[] = [];
      const later: Promise<number | undefined>[] = [];
      void waiting.then((code) => answered.push(code));
      for (let i = 0; answered.length === 0; i++) {
        // Each holds a connection.
        if (i % 10 === 0) later.push(status());
        await call(issuer.token({ claims: { aud: 'https://other.example' } }));
      }
      expect(answered).toEqual([200]);
      expect(new Set(await Promise.all(later))).toEqual(new Set([200]));
      expect(issuer.server.count('/jwks')).toBe(3);
    });
  });

  describe('when the provider is back', () => {
    const OUTAGE_SECONDS = 300;

    it('has the tokens of a new key verified within two seconds, and did not hammer it until then', async () => {
      await boot();
      expect(await status()).toBe(200);
      issuer.rotate();
      issuer.server.goDown();
      const before = issuer.server.requests.length;
      const beganAt = performance.now();
      for (let passed = 0; passed < OUTAGE_SECONDS; passed += 0.5) {
        advanceClock(0.5);
        expect(await status()).toBe(503);
      }
      const calls = issuer.server.requests.length - before;
      expect(calls).toBeGreaterThan(OUTAGE_SECONDS / 2);
      expect(calls).toBeLessThanOrEqual((performance.now() - beganAt) / 1000 + 2);
      issuer.server.recover();
      advanceClock(2);
      expect(await status()).toBe(200);
    });

    it('has its first tokens verified within two seconds where nothing was held', async () => {
      issuer.server.goDown();
      await boot();
      for (let passed = 0; passed < OUTAGE_SECONDS; passed += 0.5) {
        advanceClock(0.5);
        expect(await status()).toBe(503);
      }
      issuer.server.recover();
      advanceClock(2);
      expect(await status()).toBe(200);
    });

    it('introspects within two seconds, and did not hammer it until then', async () => {
      await boot({ ...issuer.introspecting });
      expect(await status(issuer.opaqueToken())).toBe(200);
      issuer.server.answerWith('/introspect', 500, '');
      const before = issuer.server.count('/introspect');
      const beganAt = performance.now();
      for (let passed = 0; passed < OUTAGE_SECONDS; passed += 0.5) {
        advanceClock(0.5);
        expect(await status(issuer.opaqueToken())).toBe(503);
      }
      const elapsed = (performance.now() - beganAt) / 1000;
      expect(issuer.server.count('/introspect') - before).toBeLessThanOrEqual(elapsed + 5);
      issuer.server.recover();
      advanceClock(2);
      expect(await status(issuer.opaqueToken())).toBe(200);
    });
  });

  it('uses nothing that is not fresh with maxStale 0', async () => {
    await boot({ jwksCacheDuration: 60, metadataCacheDuration: 60, maxStale: 0 });
    const token = issuer.token();
    expect(await status(token)).toBe(200);
    issuer.server.goDown();
    advanceClock(59);
    expect(await status(token)).toBe(200);
    advanceClock(2);
    expect(await status(token)).toBe(503);
    issuer.server.recover();
    advanceClock(2);
    expect(await status(token)).toBe(200);
  });

  it('fails no good token and takes no bad one while the provider is down for ten minutes, nor hammers it', async () => {
    await boot({ jwksCacheDuration: 60, metadataCacheDuration: 60 });
    expect(await status()).toBe(200);
    issuer.server.goDown();
    const before = issuer.server.requests.length;
    const foreign = makeKey('ES256', issuer.key.jwk.kid);
    for (let second = 0; second < 600; second += 2) {
      advanceClock(2);
      const answers = await Promise.all([status(), status(issuer.token({}, foreign)), status()]);
      expect(answers).toEqual([200, 401, 200]);
    }
    // Discovery and keys each back off to one attempt every 15 to 30 seconds.
    expect(issuer.server.requests.length - before).toBeLessThanOrEqual(2 * 48);
    expect(said('the last valid response remains in use')).toBe(2);
  });

  it('ends tokens of a withdrawn key with the next good answer, not with the outage', async () => {
    await boot({ jwksCacheDuration: 60, metadataCacheDuration: 60 });
    const token = issuer.token();
    expect(await status(token)).toBe(200);
    issuer.server.goDown();
    advanceClock(61);
    expect(await status(token)).toBe(200);
    issuer.server.recover();
    issuer.rotate();
    advanceClock(31);
    await status();
    expect(await status(token)).toBe(401);
  });

  it('answers within one deadline, however many answers it waits for', async () => {
    issuer.server.answer(DISCOVERY, (_, response) => {
      setTimeout(() => response.end(JSON.stringify(issuer.server.metadata)), 300);
    });
    let isGivenUp = false;
    issuer.server.answer('/jwks', (_, response) => response.on('close', () => (isGivenUp = true)));
    await boot({ responseTimeout: 0.5, warmUp: 'off' });
    expect(await status()).toBe(503);
    // Discovery's 300 ms count: the key set has not had half a second of its own yet.
    expect(isGivenUp).toBe(false);
  });

  describe('introspection', () => {
    const outOfOrder = (): void => issuer.server.answerWith('/introspect', 500, '');
    const ask = (times: number): Promise<(number | undefined)[]> =>
      Promise.all(Array.from({ length: times }, () => status(issuer.opaqueToken())));

    it('is left alone when it fails again and again, and tried by one request a second', async () => {
      await boot({ ...issuer.introspecting });
      const known = issuer.opaqueToken();
      expect(await status(known)).toBe(200);
      outOfOrder();
      holdClock();
      for (let i = 0; i < 5; i++) expect(await status(issuer.opaqueToken())).toBe(503);
      const failed = issuer.server.count('/introspect');
      expect(new Set(await ask(50))).toEqual(new Set([503]));
      expect(issuer.server.count('/introspect')).toBe(failed);
      expect(await status(known)).toBe(200);

      advanceClock(1);
      expect(new Set(await ask(50))).toEqual(new Set([503]));
      expect(issuer.server.count('/introspect')).toBe(failed + 1);

      issuer.server.recover();
      advanceClock(30);
      expect(await status(issuer.opaqueToken())).toBe(200);
      expect(new Set(await ask(20))).toEqual(new Set([200]));
    });

    it('goes on for others where it fails on one token, however often that is sent', async () => {
      await boot({ ...issuer.introspecting });
      const poison = issuer.opaqueToken();
      issuer.server.answer('/introspect', (request, response) => {
        let body = '';
        request.on('data', (chunk: Buffer) => (body += chunk.toString()));
        request.on('end', () => {
          if (body.includes(poison)) response.writeHead(500).end();
          else sendJson(response, { active: true, ...issuer.claims() });
        });
      });
      for (let i = 0; i < 20; i++) expect(await status(poison)).toBe(503);
      const answers = await Promise.all([
        ...Array.from({ length: 60 }, () => status(issuer.opaqueToken())),
        ...Array.from({ length: 60 }, () => status(poison)),
      ]);
      expect(new Set(answers.slice(0, 60))).toEqual(new Set([200]));
      expect(new Set(answers.slice(60))).toEqual(new Set([503]));
    });

    it('has at most 256 calls under way at a provider that hangs', async () => {
      let underWay = 0;
      issuer.server.answer('/introspect', (request) => {
        underWay++;
        request.socket.once('close', () => underWay--);
      });
      await boot({ ...issuer.introspecting, responseTimeout: 2 });
      const known = issuer.server.count('/introspect');
      const junk = Array.from({ length: 400 }, (_, i) => status(`junk-${i}`));
      await issuer.server.asked('/introspect', known + 256);
      expect(underWay).toBeLessThanOrEqual(256);
      expect(new Set(await Promise.all(junk))).toEqual(new Set([503]));
      // A slot may have been handed on before the breaker opened.
      expect(issuer.server.count('/introspect') - known).toBeLessThanOrEqual(256 + 5);
    });

    it('is found again within two seconds, by the only client', async () => {
      holdClock();
      await boot({ ...issuer.introspecting });
      outOfOrder();
      for (let i = 0; i < 5; i++) await status(issuer.opaqueToken());
      const token = issuer.opaqueToken();
      for (let i = 0; i < 20; i++) {
        advanceClock(1);
        expect(await status(token)).toBe(503);
      }
      issuer.server.recover();
      advanceClock(2);
      expect(await status(token)).toBe(200);
    });

    it('is not left alone for single failures', async () => {
      await boot({ ...issuer.introspecting });
      for (let i = 0; i < 12; i++) {
        if (i % 3 === 0) outOfOrder();
        else issuer.server.recover();
        expect(await status(issuer.opaqueToken())).toBe(i % 3 === 0 ? 503 : 200);
      }
    });
  });
});
