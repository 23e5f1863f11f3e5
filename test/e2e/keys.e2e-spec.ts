/** The issuer's keys: fetched once, renewed in time, withdrawn in time, and tolerated in every shape. */
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { JWK } from 'jose';
import { AuthHealthIndicator, type AuthModuleOptions } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { sendJson, type AuthorizationServer } from '../support/authorization-server.js';
import { advanceClock, holdClock, jumpClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';
import { makeKey } from '../support/tokens.js';

const DISCOVERY = '/.well-known/openid-configuration';

/** Takes long to make: another key beside the one in use, or one of an algorithm that is not wanted. */
const rsa = makeKey('RS256');

describe.each(PLATFORMS)('keys on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  const start = async (options: AuthModuleOptions = {}, ...settings: Parameters<typeof Issuer.start>) => {
    issuer = await Issuer.start(...settings);
    app = await bootApp({ ...issuer.options, ...options }, { platform });
  };
  const status = async (token = issuer.token()): Promise<number> =>
    (await app.get('/things', bearer(token))).status;
  const fetches = (): number => issuer.server.count('/jwks');

  afterEach(async () => {
    await app.close();
    await issuer.close();
  });

  it('asks for discovery and keys once, however many requests wait', async () => {
    await start();
    const statuses = await Promise.all(Array.from({ length: 500 }, () => status()));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(issuer.server.requests).toEqual(['/.well-known/openid-configuration', '/jwks']);
  });

  it('fetches discovery and keys over one connection', async () => {
    await start();
    expect(await status()).toBe(200);
    expect(issuer.server.connections).toBe(1);
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('reads documents that a gateway compresses unasked: %s', async (encoding, compress) => {
    issuer = await Issuer.start();
    const asked: IncomingHttpHeaders[] = [];
    const compressed =
      (document: unknown): RequestListener =>
      ({ headers }, response) => {
        asked.push(headers);
        response.writeHead(200, { 'content-encoding': encoding }).end(compress(JSON.stringify(document)));
      };
    issuer.server.answer(DISCOVERY, compressed(issuer.server.metadata));
    issuer.server.answer('/jwks', compressed({ keys: issuer.server.keys }));
    app = await bootApp(issuer.options, { platform });
    expect(await status()).toBe(200);
    // Firewalls reject requests that do not say who sends them.
    expect(asked).toHaveLength(2);
    for (const headers of asked)
      expect(headers).toMatchObject({ 'accept-encoding': 'identity', 'user-agent': 'node' });
  });

  it('asks again when the keys are no longer fresh, not before', async () => {
    holdClock();
    await start({ jwksCacheDuration: 60, metadataCacheDuration: 120 });
    await status();
    advanceClock(59);
    await status();
    expect(fetches()).toBe(1);
    advanceClock(2);
    expect(await status()).toBe(200);
    expect(issuer.server.requests.slice(2)).toEqual(['/jwks']);
  });

  it('accepts the first token of a new key, a second after the last fetch', async () => {
    await start();
    await status();
    advanceClock(1);
    issuer.rotate();
    expect(await status()).toBe(200);
    expect(fetches()).toBe(2);
  });

  it('lets all requests with a new key wait for the one fetch, also those who come during it', async () => {
    await start();
    await status();
    advanceClock(13);
    issuer.rotate();
    const { keys } = issuer.server;
    let early: Promise<number>[] = [];
    const late = new Promise<number[]>((resolve) => {
      issuer.server.answer('/jwks', (_, response) => {
        // The fetch is under way, and is answered only when the others have come, too.
        early.push(...Array.from({ length: 10 }, () => status()));
        resolve(Promise.all(early));
        setTimeout(() => sendJson(response, { keys }), 100);
      });
    });
    early = Array.from({ length: 10 }, () => status());
    expect(new Set(await late)).toEqual(new Set([200]));
    expect(fetches()).toBe(2);
  });

  it('accepts new keys without names, too', async () => {
    const unnamed = (): ReturnType<typeof makeKey> => makeKey('ES256', 'unused', { kid: undefined });
    await start({}, {}, unnamed());
    const token = (): string => issuer.token({ header: { kid: undefined } });
    expect(await status(token())).toBe(200);
    issuer.rotate(unnamed());
    expect(await status(token())).toBe(200);
    expect(fetches()).toBe(2);
  });

  it('spends a handful of fetches on a flood of invented key names, and serves good tokens all the while', async () => {
    holdClock();
    await start();
    await status();
    const flood = Array.from({ length: 300 }, (_, i) =>
      status(issuer.token({ header: { kid: `invented-${i}` } })),
    );
    const good = Array.from({ length: 20 }, () => status());
    expect(new Set(await Promise.all(flood))).toEqual(new Set([401]));
    expect(new Set(await Promise.all(good))).toEqual(new Set([200]));
    expect(fetches()).toBeLessThanOrEqual(4);
    issuer.rotate();
    advanceClock(13);
    expect(await status()).toBe(200);
  });

  it('refuses a withdrawn key with the next refresh', async () => {
    await start({ jwksCacheDuration: 60 });
    const old = issuer.token();
    expect(await status(old)).toBe(200);
    issuer.rotate();
    advanceClock(61);
    expect(await status(old)).toBe(401);
  });

  it('withdraws the last key, too: an empty key set is one', async () => {
    await start({ jwksCacheDuration: 60 });
    const old = issuer.token();
    expect(await status(old)).toBe(200);
    issuer.server.keys = [];
    advanceClock(61);
    expect([await status(old), await status()]).toEqual([401, 401]);
    expect(loggedLines().filter((line) => line.includes('withdrawn all its keys'))).toHaveLength(1);
    // The provider answers, so nothing is degraded: its next key is found like any other.
    issuer.rotate();
    expect([await status(old), await status()]).toEqual([401, 200]);
  });

  it.each([
    ['no keys', '{}'],
    ['keys: null', '{"keys":null}'],
    ['an object for keys', '{"keys":{}}'],
  ])('withdraws nothing with an answer that has %s: that is no key set', async (_, body) => {
    await start({ jwksCacheDuration: 60 });
    const old = issuer.token();
    expect(await status(old)).toBe(200);
    issuer.server.answerWith('/jwks', 200, body);
    advanceClock(61);
    expect([await status(old), await status()]).toEqual([200, 200]);
  });

  it('refuses a remembered token once the issuer calls itself otherwise, by a slash', async () => {
    await start({ jwksCacheDuration: 60, metadataCacheDuration: 60 });
    const old = issuer.token();
    expect(await status(old)).toBe(200);
    const { metadata, issuer: name } = issuer.server;
    issuer.server.answerWith(DISCOVERY, 200, JSON.stringify({ ...metadata, issuer: `${name}/` }));
    advanceClock(61);
    expect(await status(old)).toBe(401);
    expect(await status(issuer.token({ claims: { iss: `${name}/` } }))).toBe(200);
    // Now with the new name and the old key at hand.
    expect(await status(old)).toBe(401);
  });

  it('refuses a token of the old name whose key comes with the new one', async () => {
    await start({ jwksCacheDuration: 600, metadataCacheDuration: 60 });
    expect(await status()).toBe(200);
    const { metadata, issuer: name } = issuer.server;
    issuer.server.answerWith(DISCOVERY, 200, JSON.stringify({ ...metadata, issuer: `${name}/` }));
    issuer.rotate();
    advanceClock(61);
    // The key set at hand still has the old name; the one that has the key has the new one.
    expect(await status()).toBe(401);
    expect(await status(issuer.token({ claims: { iss: `${name}/` } }))).toBe(200);
  });

  it('goes on with the last good keys while the issuer is down, without hammering it, for a day', async () => {
    await start();
    const token = (): string => issuer.token();
    await status();
    issuer.server.goDown();
    advanceClock(301);
    const calls = issuer.server.requests.length;
    const beganAt = performance.now();
    const statuses = await Promise.all(Array.from({ length: 100 }, () => status()));
    expect(new Set(statuses)).toEqual(new Set([200]));
    // One at once, then with pauses of a quarter of a second and more.
    const elapsed = (performance.now() - beganAt) / 1000;
    expect(issuer.server.requests.length - calls).toBeLessThanOrEqual(2 + 4 * elapsed);
    for (let minute = 0; minute < 10; minute++) {
      advanceClock(60);
      expect(await status(token())).toBe(200);
    }
    advanceClock(86_400);
    expect(await status(token())).toBe(503);
    issuer.server.recover();
    advanceClock(60);
    expect(await status(token())).toBe(200);
  });

  it('leaves no rejection unhandled when a token seen before comes after a long outage', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): number => unhandled.push(error);
    process.on('unhandledRejection', note);
    await start();
    const token = issuer.token();
    expect(await status(token)).toBe(200);
    issuer.server.goDown();
    advanceClock(3 * 86_400);
    const longLived = issuer.token();
    expect([await status(token), await status(longLived), await status(token)]).toEqual([401, 503, 401]);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('says 503, not 401, of a key that cannot be looked up now', async () => {
    await start();
    await status();
    issuer.server.goDown();
    const unknown = issuer.token({}, makeKey());
    expect([await status(unknown), await status(unknown), await status()]).toEqual([503, 503, 200]);
  });

  it('does not let the wall clock keep a key alive', async () => {
    await start({ jwksCacheDuration: 60 });
    const token = issuer.token({ claims: { exp: Math.floor(Date.now() / 1000) + 100_000, iat: 1 } });
    await status(token);
    issuer.rotate();
    advanceClock(61);
    jumpClock(-3600);
    expect(await status(token)).toBe(401);
  });

  it('does not let a key live through a suspension in which only the wall clock goes on', async () => {
    await start({ jwksCacheDuration: 60, maxStale: 60 });
    const token = issuer.token({ claims: { exp: Math.floor(Date.now() / 1000) + 100_000 } });
    expect(await status(token)).toBe(200);
    issuer.rotate();
    jumpClock(3600);
    expect([await status(token), await status()]).toEqual([401, 200]);
  });

  it('skips the keys it cannot use', async () => {
    const key = makeKey('RS256', 'the-key');
    await start({}, {}, key);
    issuer.server.keys = [
      ...([null, 7, 'key', []] as unknown as JWK[]),
      { kty: 'AKP', alg: 'ML-DSA-44', kid: 'the-key', pub: 'AAAA' },
      { kty: 'RSA', kid: 'the-key', n: '!', e: 'AQAB' },
      { ...key.jwk, use: 'enc' },
      { ...key.jwk, key_ops: ['encrypt'] },
      { kty: 'oct', kid: 'the-key', k: 'AAAA' },
      { ...makeKey('ES256').jwk, kid: 'the-key' },
      { ...key.jwk, x5c: ['nonsense'], x5t: 'nonsense' },
    ];
    const deep = `{"kty":"RSA","kid":"the-key","x5c":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const body = JSON.stringify({ keys: issuer.server.keys }).replace('{"keys":[', `{"keys":[${deep},`);
    issuer.server.answerWith('/jwks', 200, body);
    expect(await status()).toBe(200);
  });

  it.each<[string, (jwk: JWK) => JWK]>([
    ['without kid', ({ kid: _, ...jwk }) => jwk],
    ['without alg', ({ alg: _, ...jwk }) => jwk],
    ['without use', ({ use: _, ...jwk }) => jwk],
    ['with key_ops', (jwk) => ({ ...jwk, key_ops: ['verify'] })],
    ...['kid', 'alg', 'use', 'key_ops', 'd', 'oth', 'x5c'].map((member): [string, (jwk: JWK) => JWK] => [
      `with ${member}: null`,
      (jwk) => ({ ...jwk, [member]: null }),
    ]),
  ])('takes a key %s', async (_, change) => {
    await start();
    issuer.server.keys = [rsa.jwk, change(issuer.key.jwk)];
    expect(await status()).toBe(200);
    expect(await status(issuer.token({ header: { kid: undefined } }))).toBe(200);
  });

  it('tries a token without kid against every key that fits, and refuses it when none signed it', async () => {
    await start();
    issuer.server.keys = [...Array.from({ length: 4 }, () => makeKey('ES256').jwk), issuer.key.jwk];
    expect(await status(issuer.token({ header: { kid: undefined } }))).toBe(200);
    expect(await status(issuer.token({ header: { kid: undefined } }, makeKey('ES256')))).toBe(401);
  });

  it('does not use a key whose private part is published', async () => {
    await start();
    issuer.server.keys = [{ ...issuer.key.jwk, ...(issuer.key.privateKey.export({ format: 'jwk' }) as JWK) }];
    expect(await status()).toBe(401);
  });

  it('uses only the algorithms that the options allow', async () => {
    await start({ signingAlgorithms: ['ES256'] });
    issuer.server.keys = [issuer.key.jwk, rsa.jwk];
    expect([await status(), await status(issuer.token({}, rsa))]).toEqual([200, 401]);
  });
});

describe.each(PLATFORMS)('discovery on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;
  const start = async (
    configured: (origin: string) => AuthModuleOptions,
    settings: Parameters<typeof Issuer.start>[0] = {},
  ): Promise<void> => {
    issuer = await Issuer.start(settings);
    const options = { ...issuer.options, ...configured(issuer.server.origin) };
    app = await bootApp(options, { platform });
  };
  const status = async (): Promise<number> => (await app.get('/things', bearer(issuer.token()))).status;

  afterEach(async () => {
    await app.close();
    await issuer.close();
  });

  it.each([
    ['no path', '', ''],
    ['a slash at its end', '/', '/'],
    ['a slash that only the configuration has', '', '/'],
    ['a slash that only the provider has', '/', ''],
    ['a path', '/tenant/v2', '/tenant/v2'],
    ['a path and a slash', '/tenant/', '/tenant/'],
    ['a path and a slash that only the provider has', '/tenant/', '/tenant'],
  ])('finds an issuer with %s', async (_, issuerPath, configuredPath) => {
    await start((origin) => ({ issuer: origin + configuredPath }), { issuerPath });
    expect(await status()).toBe(200);
  });

  it('asks at RFC 8414’s address after a 404', async () => {
    await start(() => ({}), { issuerPath: '/tenant' });
    issuer.server.answerWith(issuer.server.discoveryPath, 404, '');
    issuer.server.answer('/.well-known/oauth-authorization-server/tenant', (_, response) =>
      sendJson(response, issuer.server.metadata),
    );
    expect(await status()).toBe(200);
  });

  it('does without discovery where the application names the keys', async () => {
    await start((origin) => ({ jwksUri: `${origin}/jwks` }));
    issuer.server.answerWith(issuer.server.discoveryPath, 404, '');
    expect(await status()).toBe(200);
  });

  describe('where the application names what it needs', () => {
    type Spoil = (server: AuthorizationServer) => unknown;
    const answers =
      (code: number, body = '', headers: Record<string, string> = {}): Spoil =>
      (server) =>
        server.answerWith(DISCOVERY, code, body, headers);

    describe.each<[string, Spoil]>([
      ...[400, 401, 403, 404, 405, 410, 429, 500, 503].map((code): [string, Spoil] => [
        `${code}`,
        answers(code),
      ]),
      ['{}', answers(200, '{}')],
      ['HTML', answers(200, '<html>', { 'content-type': 'text/html' })],
      ['the document of another issuer', answers(200, '{"issuer":"https://other.example"}')],
      ['a redirect elsewhere', answers(302, '', { location: 'https://elsewhere.example' })],
      ['nothing: it hangs', (server) => server.answer(DISCOVERY, () => undefined)],
      ['nothing: it hangs up', (server) => server.answer(DISCOVERY, (_, response) => response.destroy())],
    ])('discovery may answer %s', (_, spoil) => {
      it('to an API with jwksUri', async () => {
        await start((origin) => ({ jwksUri: `${origin}/jwks`, warmUp: 'off' }));
        spoil(issuer.server);
        expect(await status()).toBe(200);
        expect(issuer.server.requests).toEqual(['/jwks']);
      });

      it('to an API with introspectionEndpoint that introspects everything', async () => {
        await start((origin) => ({
          ...issuer.introspecting,
          introspectJwtTokens: true,
          introspectionEndpoint: `${origin}/introspect`,
          warmUp: 'off',
        }));
        spoil(issuer.server);
        const { status: code } = await app.get('/things', bearer(issuer.opaqueToken()));
        expect(code).toBe(200);
        expect(issuer.server.requests).toEqual(['/introspect']);
      });

      it('to opaque tokens of an API with introspectionEndpoint, and to JWTs of one with jwksUri', async () => {
        await start((origin) => ({
          ...issuer.introspecting,
          introspectionEndpoint: `${origin}/introspect`,
          warmUp: 'off',
        }));
        spoil(issuer.server);
        expect((await app.get('/things', bearer(issuer.opaqueToken()))).status).toBe(200);
        await app.close();
        const options = { ...issuer.introspecting, jwksUri: `${issuer.server.origin}/jwks` };
        app = await bootApp(options, { platform });
        expect(await status()).toBe(200);
      });
    });

    it('starts, and is healthy, with warmUp: required and no discovery', async () => {
      issuer = await Issuer.start();
      issuer.server.answerWith(DISCOVERY, 403, '');
      const { origin } = issuer.server;
      const both = { jwksUri: `${origin}/jwks`, introspectionEndpoint: `${origin}/introspect` };
      for (const options of [{ introspectJwtTokens: true }, {}]) {
        await app?.close();
        app = await bootApp(
          { ...issuer.introspecting, ...both, ...options, warmUp: 'required' },
          { platform },
        );
        expect(await app.nest.get(AuthHealthIndicator).isHealthy()).toMatchObject({
          auth: { status: 'up', state: 'ready' },
        });
      }
      expect(issuer.server.count(DISCOVERY)).toBe(0);
    });

    it('compares iss with the configured issuer, to the letter', async () => {
      await start((origin) => ({ issuer: `${origin}/`, jwksUri: `${origin}/jwks` }));
      expect(await status()).toBe(401);
      const token = issuer.token({ claims: { iss: `${issuer.server.issuer}/` } });
      expect((await app.get('/things', bearer(token))).status).toBe(200);
    });
  });

  it('follows a redirect to another path of the origin', async () => {
    await start(() => ({}));
    const { discoveryPath, origin } = issuer.server;
    issuer.server.answerWith(discoveryPath, 301, '', { location: `${discoveryPath}/` });
    issuer.server.answer(`${discoveryPath}/`, (_, response) => sendJson(response, issuer.server.metadata));
    issuer.server.answerWith('/jwks', 308, '', { location: `${origin}/keys` });
    issuer.server.answer('/keys', (_, response) => sendJson(response, { keys: issuer.server.keys }));
    expect(await status()).toBe(200);
  });

  it('uses the address of the keys as it stands, slashes and query and all', async () => {
    await start(() => ({}));
    const metadata = {
      issuer: issuer.server.issuer,
      jwks_uri: `${issuer.server.origin}//api//jwks?tenant=a%2Fb`,
    };
    issuer.server.answerWith(issuer.server.discoveryPath, 200, JSON.stringify(metadata));
    issuer.server.answer('//api//jwks', (request, response) => {
      if (request.url === '//api//jwks?tenant=a%2Fb') sendJson(response, { keys: issuer.server.keys });
      else response.writeHead(404).end();
    });
    expect(await status()).toBe(200);
  });

  it('does not look at content types and cache headers', async () => {
    await start(() => ({}));
    const odd = { 'content-type': 'text/plain', 'cache-control': 'Cache-Control: no-store, public' };
    issuer.server.answerWith(issuer.server.discoveryPath, 200, JSON.stringify(issuer.server.metadata), odd);
    issuer.server.answerWith('/jwks', 200, JSON.stringify({ keys: issuer.server.keys }), odd);
    expect([await status(), await status()]).toEqual([200, 200]);
    expect(issuer.server.count('/jwks')).toBe(1);
  });

  it('sends every call through the fetcher', async () => {
    const urls: string[] = [];
    await start(() => ({
      fetcher: (url, init) => {
        urls.push(url);
        return fetch(url, init);
      },
    }));
    expect(await status()).toBe(200);
    expect(urls).toEqual([
      issuer.server.origin + issuer.server.discoveryPath,
      `${issuer.server.origin}/jwks`,
    ]);
  });
});
