/** DPoP proofs: each check of RFC 9449 section 4.3 broken one at a time, replays, nonces, and what the challenges say. */
import { createClient } from '@redis/client';
import { Controller, Get, Post } from '@nestjs/common';
import {
  DPoPBound,
  RedisReplayStore,
  Scopes,
  type AuthModuleOptions,
  type ReplayStore,
} from 'nestjs-resource-server';
import * as oauth from 'oauth4webapi';
import { randomUUID } from 'node:crypto';
import { generateKeys } from '../../lib/testing/generate-keys.js';
import { bootApp, PLATFORMS, type AppSettings, type TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { DPoPClient } from '../support/dpop.js';
import { bearer, type Answer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { keepSecret, loggedLines } from '../support/no-secrets-in-output.js';
import { describeWith, REDIS_URL } from '../support/redis.js';
import { makeExponentRsaKey } from '../support/spoil.js';
import { claimsOf, encode, hmacToken, nowInSeconds, type TokenParts } from '../support/tokens.js';

@Controller()
class ThingsController {
  @Get('things') list(): string {
    return 'ok';
  }
  @Post('things') create(): string {
    return 'ok';
  }
  @Get('bound') @DPoPBound() bound(): string {
    return 'ok';
  }
  @Get('scoped') @Scopes('admin') scoped(): string {
    return 'ok';
  }
}

const ALGS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519';
const NONCE_SECRET = keepSecret('a-secret-for-nonces-of-40-characters-or-so');

/** Broken proofs, and the reason in the log. */
const brokenProofs = (): readonly (readonly [string, TokenParts, string])[] => [
  ['typ JWT', { header: { typ: 'JWT' } }, 'typ is "JWT"'],
  ['no typ', { header: { typ: undefined } }, 'typ is undefined'],
  ['typ as a list', { header: { typ: ['dpop+jwt'] } }, 'typ is'],
  ['alg none', { header: { alg: 'none' } }, 'alg "none"'],
  ['alg HS256', { header: { alg: 'HS256' } }, 'alg "HS256"'],
  ['another alg', { header: { alg: 'ES384' } }, 'jwk cannot be used'],
  ['no jwk', { header: { jwk: undefined } }, 'jwk is missing'],
  ['jwk as a string', { header: { jwk: 'x' } }, 'jwk is missing'],
  ['jwk without a type', { header: { jwk: {} } }, 'jwk cannot be used'],
  [
    'jwk off its curve',
    { header: { jwk: { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' } } },
    'jwk cannot be used',
  ],
  ['jwk symmetric', { header: { jwk: { kty: 'oct', k: 'AAAA' } } }, 'not a public key'],
  ['crit', { header: { crit: ['x'], x: 1 } }, 'extension'],
  ['b64', { header: { b64: false, crit: ['b64'] } }, 'extension'],
  ['no jti', { claims: { jti: undefined } }, 'jti'],
  ['jti empty', { claims: { jti: '' } }, 'jti'],
  ['jti as a number', { claims: { jti: 7 } }, 'jti'],
  ['jti of 257 characters', { claims: { jti: 'x'.repeat(257) } }, 'jti'],
  ['no htm', { claims: { htm: undefined } }, 'htm is undefined'],
  ['another method', { claims: { htm: 'POST' } }, 'htm is "POST"'],
  ['the method in lower case', { claims: { htm: 'get' } }, 'htm is "get"'],
  ['no htu', { claims: { htu: undefined } }, 'htu is undefined'],
  ['another host', { claims: { htu: 'https://evil.example/things' } }, 'htu is'],
  ['htu as a path', { claims: { htu: '/things' } }, 'htu is'],
  ['no iat', { claims: { iat: undefined } }, 'iat is missing'],
  ['iat as text', claimsOf(() => ({ iat: String(nowInSeconds()) })), 'iat is missing'],
  ['an old iat', claimsOf(() => ({ iat: nowInSeconds() - 70 })), 's ago'],
  ['an iat to come', claimsOf(() => ({ iat: nowInSeconds() + 70 })), 's ago'],
  ['no ath', { claims: { ath: undefined } }, 'ath'],
  ['the ath of another token', { claims: { ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo' } }, 'ath'],
];

const lastRefusal = (): string | undefined =>
  loggedLines().findLast((each) => each.startsWith('ThingsController.list: 401 '));

describe.each(PLATFORMS)('DPoP on %s', (platform) => {
  let issuer: Issuer;
  let client: DPoPClient;
  const apps: TestApp[] = [];

  const boot = async (
    options: AuthModuleOptions = {},
    settings: Partial<AppSettings> = {},
  ): Promise<TestApp> => {
    const app = await bootApp(
      { ...issuer.options, ...options },
      { platform, controllers: [ThingsController], ...settings },
    );
    apps.push(app);
    return app;
  };
  const boundToken = (claims: Record<string, unknown> = {}): string =>
    issuer.token({ claims: { cnf: { jkt: client.jkt }, ...claims } });
  const call = (app: TestApp, parts?: TokenParts, path = '/things', token = boundToken()): Promise<Answer> =>
    app.get(path, client.headers({ url: app.origin + path, token }, parts));

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  beforeEach(async () => {
    client = await DPoPClient.make();
  });
  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));
  afterAll(() => issuer.close());

  it.each(['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'])(
    'accepts a proof by %s',
    async (alg) => {
      client = await DPoPClient.make(alg);
      expect((await call(await boot())).status).toBe(200);
    },
  );

  it('refuses each broken proof for its own reason', async () => {
    const app = await boot();
    for (const [name, parts, reason] of brokenProofs()) {
      const answer = await call(app, parts);
      expect([name, answer.status, answer.body]).toEqual([
        name,
        401,
        { statusCode: 401, message: 'unauthorized' },
      ]);
      expect(answer.headers['www-authenticate']).toBe(
        `DPoP error="invalid_dpop_proof", error_description="The DPoP proof is invalid", algs="${ALGS}", Bearer`,
      );
      const line = loggedLines().findLast((each) => each.startsWith('ThingsController.list: 401 '));
      expect([name, line]).toEqual([name, expect.stringContaining(reason)]);
    }
  });

  it('refuses proofs that cannot be made with parts', async () => {
    const app = await boot();
    const token = boundToken();
    const url = `${app.origin}/things`;
    const good = client.proof({ url, token });
    const [header = '', payload = ''] = good.split('.');
    const secretJwk = client.key.privateKey.export({ format: 'jwk' });
    const { publicKey } = generateKeys('rsa', { modulusLength: 1024 });
    const proofs = {
      none: undefined,
      empty: '',
      junk: 'junk',
      'two at once': `${good}, ${client.proof({ url, token })}`,
      'no signature': `${header}.${payload}.`,
      'a signature of zeroes': `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
      'a payload of another proof': `${header}.${client.proof({ url, token }).split('.')[1]}.${good.split('.')[2]}`,
      'a private key in it': client.proof({ url, token }, { header: { jwk: secretJwk } }),
      'a key that costs much to use': client.proof(
        { url, token },
        { header: { alg: 'RS256', jwk: makeExponentRsaKey('costly', 2000).jwk } },
      ),
      'a small key': client.proof(
        { url, token },
        { header: { alg: 'RS256', jwk: publicKey.export({ format: 'jwk' }) } },
      ),
      'an HMAC with the public key': hmacToken(
        JSON.stringify(client.publicJwk),
        'HS256',
        `${encode({ typ: 'dpop+jwt', alg: 'HS256', jwk: client.publicJwk })}.${payload}`,
      ),
      'more than 8 KiB': client.proof({ url, token }, { claims: { x: 'x'.repeat(9000) } }),
    };
    for (const [name, dpop] of Object.entries(proofs)) {
      const headers = { authorization: `DPoP ${token}`, ...(dpop !== undefined && { dpop }) };
      expect([name, (await app.get('/things', headers)).status]).toEqual([name, 401]);
    }
    const twice = [
      ['Authorization', `DPoP ${token}`],
      ['DPoP', client.proof({ url, token })],
      ['DPoP', client.proof({ url, token })],
    ] as const;
    expect((await app.get('/things', twice)).status).toBe(401);
    expect((await app.get('/things', { authorization: `DPoP ${token}`, dpop: good })).status).toBe(200);
  });

  it.each([
    ['as it is', (url: string) => url],
    ['with a query', (url: string) => `${url}?x=1`],
    ['with a fragment', (url: string) => `${url}#x`],
    ['with capitals in scheme and host', (url: string) => url.replace('http:', 'HTTP:')],
    ['with dot segments', (url: string) => url.replace('/things', '/other/../things')],
    ['with needless escapes', (url: string) => url.replace('/things', '/%74hing%73')],
  ])('takes an htu %s', async (_, change) => {
    const app = await boot();
    expect((await call(app, { claims: { htu: change(`${app.origin}/things`) } })).status).toBe(200);
    expect((await call(app, { claims: { htu: change(`${app.origin}/other`) } })).status).toBe(401);
  });

  it('compares with publicUrl, whatever the Host says, and with the whole path under a global prefix', async () => {
    const app = await boot(
      { publicUrl: 'https://shop.example/base/' },
      { beforeListening: (nest) => void nest.setGlobalPrefix('v1') },
    );
    const token = boundToken();
    const to = (htu: string): Promise<Answer> =>
      app.get('/v1/things?q=1', {
        ...client.headers({ url: htu, token }),
        'x-forwarded-host': 'evil.example',
      });
    expect((await to('https://shop.example/base/v1/things')).status).toBe(200);
    expect((await to('https://SHOP.example:443/base/v1/things')).status).toBe(200);
    expect((await to('https://shop.example/v1/things')).status).toBe(401);
    expect((await to('http://shop.example/base/v1/things')).status).toBe(401);
    expect((await to('https://evil.example/base/v1/things')).status).toBe(401);
    expect((await to(`${app.origin}/v1/things`)).status).toBe(401);
  });

  it('compares the key before it uses it', async () => {
    const app = await boot();
    const url = `${app.origin}/things`;
    const other = await DPoPClient.make();
    const token = boundToken();
    const unsigned = other.proof({ url, token }).replace(/[^.]+$/, Buffer.alloc(64).toString('base64url'));
    const answer = await app.get('/things', { authorization: `DPoP ${token}`, dpop: unsigned });
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(lastRefusal()).toContain('the token is bound to another DPoP key');
  });

  it('verifies the signature last', async () => {
    const app = await boot();
    const token = boundToken();
    for (const claims of [{ ath: 'x' }, { htm: 'POST' }, { htu: 'x' }, { iat: 0 }, { jti: '' }]) {
      const proof = client.proof({ url: `${app.origin}/things`, token }, { claims });
      const dpop = proof.replace(/[^.]+$/, Buffer.alloc(64).toString('base64url'));
      expect((await app.get('/things', { authorization: `DPoP ${token}`, dpop })).status).toBe(401);
      expect(lastRefusal()).toContain(Object.keys(claims)[0]);
    }
  });

  it('accepts a proof once, in many requests at once too', async () => {
    const app = await boot();
    const headers = client.headers({ url: `${app.origin}/things`, token: boundToken() });
    const answers = await Promise.all(Array.from({ length: 50 }, () => app.get('/things', headers)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(49);
  });

  it('does not use a proof up that is refused for another reason', async () => {
    const app = await boot();
    const jti = randomUUID();
    expect((await call(app, { claims: { jti, htm: 'POST' } })).status).toBe(401);
    expect((await call(app, { claims: { jti, ath: 'x' } })).status).toBe(401);
    const other = await DPoPClient.make();
    const stolen = other.headers({ url: `${app.origin}/things`, token: boundToken() }, { claims: { jti } });
    expect((await app.get('/things', stolen)).status).toBe(401);
    expect((await call(app, { claims: { jti } })).status).toBe(200);
    expect((await call(app, { claims: { jti } })).status).toBe(401);
  });

  it.each<[string, ReplayStore['add']]>([
    ['fails', () => Promise.reject(new Error('down'))],
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
    ['does not answer', () => new Promise(() => undefined)],
    ['answers with something else', () => 'OK' as never],
    ['answers with nothing', () => undefined as never],
  ])('503 when the replay store %s', async (_, add) => {
    const answer = await call(await boot({ dpop: { replayStore: { add } } }));
    expect([answer.status, answer.headers['retry-after'], answer.headers['www-authenticate']]).toEqual([
      503,
      '1',
      undefined,
    ]);
    const lines = loggedLines().filter((line) =>
      line.startsWith('ThingsController.list: rejected: the replay store'),
    );
    expect(lines).toHaveLength(1);
  });

  it('still says 403 of a scope that is missing', async () => {
    const answer = await call(await boot(), {}, '/scoped');
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      403,
      `DPoP error="insufficient_scope", scope="admin", algs="${ALGS}", Bearer`,
    ]);
  });

  it('names in its challenges what would do', async () => {
    const anonymous = async (options: AuthModuleOptions, path = '/things'): Promise<unknown> => {
      const controllers = options.dpop?.mode === 'off' ? [PlainController] : [ThingsController];
      return (await (await boot(options, { controllers })).get(path)).headers['www-authenticate'];
    };
    expect(await anonymous({})).toBe('Bearer');
    expect(await anonymous({}, '/bound')).toBe(`DPoP algs="${ALGS}"`);
    expect(await anonymous({ dpop: { mode: 'when_present' } })).toBe(`Bearer, DPoP algs="${ALGS}"`);
    expect(await anonymous({ dpop: { mode: 'required' } })).toBe(`DPoP algs="${ALGS}"`);
    expect(await anonymous({ dpop: { mode: 'off' } })).toBe('Bearer');
    const app = await boot();
    expect((await app.get('/things', bearer(boundToken()))).headers['www-authenticate']).toBe(
      'Bearer error="invalid_token", error_description="The access token is invalid"',
    );
  });

  it('asks for nonces of its own, which every instance knows', async () => {
    const options = { dpop: { nonce: NONCE_SECRET } };
    const [first, second] = [await boot(options), await boot(options)];
    const asked = await call(first);
    const nonce = asked.headers['dpop-nonce'];
    expect([asked.status, asked.headers['www-authenticate']]).toEqual([
      401,
      `DPoP error="use_dpop_nonce", error_description="The DPoP proof needs a nonce", algs="${ALGS}", Bearer`,
    ]);
    expect((await call(second, { claims: { nonce } })).status).toBe(200);
    expect((await call(second, { claims: { nonce: `${String(nonce).slice(0, -1)}!` } })).status).toBe(401);
    expect((await call(second, { claims: { nonce: [nonce] } })).status).toBe(401);
    advanceClock(60);
    const token = boundToken();
    const later = await call(first, { claims: { nonce, iat: nowInSeconds() } }, '/things', token);
    expect(later.status).toBe(200);
    expect(later.headers['dpop-nonce']).not.toBe(nonce);
    expect(later.headers['dpop-nonce']).toBeDefined();
    advanceClock(61);
    expect((await call(first, { claims: { nonce, iat: nowInSeconds() } })).status).toBe(401);
    const stranger = await boot({ dpop: { nonce: NONCE_SECRET.toUpperCase() } });
    expect(
      (await call(stranger, { claims: { nonce: later.headers['dpop-nonce'], iat: nowInSeconds() } })).status,
    ).toBe(401);
  });

  it('gives a nonce to a client whose clock is wrong, and then takes its proofs', async () => {
    const app = await boot({ dpop: { nonce: NONCE_SECRET } });
    for (const wrongBy of [-86_400, 86_400]) {
      const iat = nowInSeconds() + wrongBy;
      const asked = await call(app, { claims: { iat } });
      expect([asked.status, asked.headers['www-authenticate']]).toEqual([
        401,
        expect.stringContaining('DPoP error="use_dpop_nonce"'),
      ]);
      const nonce = asked.headers['dpop-nonce'];
      expect((await call(app, { claims: { iat, nonce } })).status).toBe(200);
      expect((await call(app, { claims: { iat: undefined, nonce } })).status).toBe(401);
      expect((await call(app, { claims: { iat: 'today', nonce } })).status).toBe(401);
    }
  });

  it.each([{}, { nonce: NONCE_SECRET }])('lets the client of oauth4webapi through, with %j', async (dpop) => {
    const app = await boot({ dpop });
    const keys = await oauth.generateKeyPair('ES256');
    const handle = oauth.DPoP({}, keys);
    const token = issuer.token({ claims: { cnf: { jkt: await handle.calculateThumbprint() } } });
    const request = (): Promise<Response> =>
      oauth.protectedResourceRequest(token, 'GET', new URL(`${app.origin}/bound?q=1`), undefined, undefined, {
        DPoP: handle,
        [oauth.allowInsecureRequests]: true,
      });
    const response = await request().catch((error: unknown) => {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return request();
    });
    expect([response.status, (await request()).status]).toEqual([200, 200]);
  });

  describeWith(REDIS_URL !== undefined, 'set REDIS_URL', `replays over Redis and ${platform}`, () => {
    it('lets one of a hundred through, sent to two instances at once', async () => {
      const redis = createClient({ url: REDIS_URL ?? '' });
      await redis.connect();
      const options = {
        publicUrl: 'https://api.example.com',
        dpop: { replayStore: new RedisReplayStore(redis) },
      };
      const [first, second] = [await boot(options), await boot(options)];
      const headers = client.headers({ url: 'https://api.example.com/things', token: boundToken() });
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? first : second).get('/things', headers)),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(99);
      await redis.close();
      const closed = client.headers({ url: 'https://api.example.com/things', token: boundToken() });
      expect((await first.get('/things', closed)).status).toBe(503);
    });
  });
});

@Controller()
class PlainController {
  @Get('things') list(): string {
    return 'ok';
  }
}

it('@DPoPBound() refuses to start where DPoP is turned off', async () => {
  const issuer = await Issuer.start();
  const starting = bootApp(
    { ...issuer.options, dpop: { mode: 'off' } },
    { platform: 'Express', controllers: [ThingsController] },
  );
  await expect(starting).rejects.toThrow('ThingsController.bound: @DPoPBound(), but dpop.mode is off');
  await issuer.close();
});
