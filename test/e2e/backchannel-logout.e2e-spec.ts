/** Logout tokens: each check of OpenID Connect Back-Channel Logout 1.0 broken one at a time, and what a good one refuses. */
import { randomUUID } from 'node:crypto';
import { Controller, Get, Post } from '@nestjs/common';
import { RouteTable, type AuthModuleOptions, type RevocationStore } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock, holdClock } from '../support/clock.js';
import { bearer, type Answer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';
import { encode, hmacToken, makeKey, nowInSeconds, signToken, type TokenParts } from '../support/tokens.js';

@Controller()
class ThingsController {
  @Get('things') list(): string {
    return 'things';
  }
  /** Would answer to everything. */
  @Post('*') everything(): string {
    return 'mine';
  }
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const CLIENT = 'the-web-client';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe.each(PLATFORMS)('back-channel logout on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  const boot = async (options: AuthModuleOptions = {}): Promise<void> => {
    app = await bootApp(
      { ...issuer.options, backChannelLogout: true, logoutAudience: CLIENT, ...options },
      {
        platform,
        controllers: [ThingsController],
        beforeListening: (nest) => void nest.setGlobalPrefix('api', { exclude: ['things'] }),
      },
    );
  };
  const logoutClaims = (): Record<string, unknown> => ({
    iss: issuer.server.issuer,
    aud: CLIENT,
    iat: nowInSeconds(),
    exp: nowInSeconds() + 120,
    jti: randomUUID(),
    sub: 'u1',
    sid: 's1',
    events: { [EVENT]: {} },
  });
  const logoutToken = ({ header, claims, ...parts }: TokenParts = {}, key = issuer.key): string =>
    keepSecret(
      signToken(key, logoutClaims(), {
        ...parts,
        header: { typ: 'logout+jwt', ...header },
        ...(claims !== undefined && { claims }),
      }),
    );
  const post = (body: string, headers: Record<string, string> = FORM, path = '/backchannel-logout') =>
    app.send(path, { method: 'POST', headers, body });
  const logOut = (token: string): Promise<Answer> => post(`logout_token=${token}`);
  const status = async (claims: Record<string, unknown>): Promise<number> => {
    const token = issuer.token({ claims: { iat: nowInSeconds() - 60, ...claims } });
    return (await app.get('/things', bearer(token))).status;
  };
  /** Nobody has been signed out. */
  const expectNobody = async (): Promise<void> => {
    expect([
      await status({ sub: 'u1', sid: 's1' }),
      await status({ sub: 'u1' }),
      await status({ sub: 'u2' }),
      await status({ sub: undefined }),
    ]).toEqual([200, 200, 200, 200]);
  };

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    issuer.server.recover();
    await app.close();
  });
  afterAll(() => issuer.close());

  it('ends the session, also in tokens of the user that name none, and no other', async () => {
    await boot();
    await expectNobody();
    const answer = await logOut(logoutToken());
    expect([answer.status, answer.text, answer.headers['cache-control']]).toEqual([200, '', 'no-store']);
    expect([
      await status({ sub: 'u1', sid: 's1' }),
      await status({ sub: 'u1' }),
      await status({ sub: 'u1', sid: 's2' }),
      await status({ sub: 'u2' }),
      await status({ sub: 'u2', sid: 's2' }),
      await status({ sub: undefined }),
    ]).toEqual([401, 401, 200, 200, 200, 200]);
  });

  it('ends the session alone where no user is named', async () => {
    await boot();
    expect((await logOut(logoutToken({ claims: { sub: undefined } }))).status).toBe(200);
    expect([await status({ sid: 's1' }), await status({ sub: 'u1' }), await status({ sid: 's2' })]).toEqual([
      401, 200, 200,
    ]);
  });

  it('ends all sessions of the user where no session is named', async () => {
    await boot();
    expect((await logOut(logoutToken({ claims: { sid: undefined } }))).status).toBe(200);
    expect([
      await status({ sub: 'u1' }),
      await status({ sub: 'u1', sid: 's9' }),
      await status({ sub: 'u2', sid: 's1' }),
    ]).toEqual([401, 401, 200]);
  });

  it('leaves tokens that were issued after it', async () => {
    await boot();
    const iat = nowInSeconds() - 30;
    expect((await logOut(logoutToken({ claims: { iat, sid: undefined } }))).status).toBe(200);
    expect([await status({ sub: 'u1', iat }), await status({ sub: 'u1', iat: iat + 1 })]).toEqual([401, 200]);
  });

  it.each<[string, TokenParts]>([
    ['typ JWT', { header: { typ: 'JWT' } }],
    ['no typ', { header: { typ: undefined } }],
    ['typ in other letters', { header: { typ: 'application/Logout+JWT' } }],
    ['several audiences', { claims: { aud: ['other', CLIENT] } }],
    ['no exp', { claims: { exp: undefined } }],
    ['a member of events beside', { claims: { events: { [EVENT]: {}, 'https://x.example/e': 1 } } }],
    ['members of the event', { claims: { events: { [EVENT]: { reason: 'x' } } } }],
  ])('accepts %s', async (_, parts) => {
    await boot();
    expect((await logOut(logoutToken(parts))).status).toBe(200);
    expect(await status({ sub: 'u1', sid: 's1' })).toBe(401);
  });

  it('accepts an old iat beside an exp to come, and one within clockTolerance without', async () => {
    await boot({ clockTolerance: 60 });
    const at = (iat: number, exp?: number): TokenParts => ({ claims: { iat: nowInSeconds() + iat, exp } });
    expect((await logOut(logoutToken(at(-3600, nowInSeconds() + 60)))).status).toBe(200);
    expect((await logOut(logoutToken(at(-50)))).status).toBe(200);
    expect((await logOut(logoutToken(at(-70)))).status).toBe(400);
    expect((await logOut(logoutToken(at(50)))).status).toBe(200);
  });

  const claims = (members: Record<string, unknown>): TokenParts => ({ claims: members });
  it.each<[string, () => TokenParts, string]>([
    ['another typ', () => ({ header: { typ: 'at+jwt' } }), 'typ'],
    ['typ of a security event', () => ({ header: { typ: 'secevent+jwt' } }), 'typ'],
    ['typ that is no text', () => ({ header: { typ: 1 } }), 'typ'],
    ['an unknown iss', () => claims({ iss: 'https://other.example' }), 'iss'],
    ['iss with a slash', () => claims({ iss: `${issuer.server.issuer}/` }), 'iss'],
    ['no iss', () => claims({ iss: undefined }), 'iss'],
    ['iss as a list', () => claims({ iss: [issuer.server.issuer] }), 'iss'],
    ['another aud', () => claims({ aud: 'another-client' }), 'aud'],
    ['the aud of access tokens', () => claims({ aud: issuer.options.audience }), 'aud'],
    ['no aud', () => claims({ aud: undefined }), 'aud'],
    ['an empty aud', () => claims({ aud: [] }), 'aud'],
    ['aud with something else in it', () => claims({ aud: [CLIENT, 1] }), 'aud'],
    ['no iat', () => claims({ iat: undefined }), 'iat'],
    ['iat as text', () => claims({ iat: String(nowInSeconds()) }), 'iat'],
    ['iat in the future', () => claims({ iat: nowInSeconds() + 400 }), 'iat'],
    ['iat in milliseconds', () => claims({ iat: Date.now() * 1000 }), 'iat'],
    ['an old iat and no exp', () => claims({ iat: nowInSeconds() - 301, exp: undefined }), 'iat'],
    ['exp that is over', () => claims({ exp: nowInSeconds() - 301 }), 'exp'],
    ['exp as text', () => claims({ exp: 'never' }), 'exp'],
    ['no jti', () => claims({ jti: undefined }), 'jti'],
    ['an empty jti', () => claims({ jti: '' }), 'jti'],
    ['jti as a number', () => claims({ jti: 1 }), 'jti'],
    ['no events', () => claims({ events: undefined }), 'events'],
    ['events as a list', () => claims({ events: [EVENT] }), 'events'],
    ['other events', () => claims({ events: { 'https://x.example/e': {} } }), 'events'],
    ['an event that is no object', () => claims({ events: { [EVENT]: true } }), 'events'],
    ['an event that is null', () => claims({ events: { [EVENT]: null } }), 'events'],
    ['a nonce', () => claims({ nonce: 'n' }), 'nonce'],
    ['a nonce that is null', () => claims({ nonce: null }), 'nonce'],
    ['neither sub nor sid', () => claims({ sub: undefined, sid: undefined }), 'sub, sid'],
    ['an empty sub', () => claims({ sub: '', sid: undefined }), 'sub, sid'],
    ['sub that is null', () => claims({ sub: null, sid: undefined }), 'sub, sid'],
    ['an empty sid beside a sub', () => claims({ sid: '' }), 'sub, sid'],
    ['sid as a list', () => claims({ sid: ['s1'] }), 'sub, sid'],
    ['crit', () => ({ header: { crit: ['x'], x: 1 } }), 'malformed'],
    ['a member twice', () => ({ payloadText: '{"sub":"u1","sub":"u2"}' }), 'malformed'],
    ['alg none', () => ({ header: { alg: 'none' } }), 'signature'],
  ])('refuses %s, and signs nobody out', async (_, parts, part) => {
    await boot();
    const answer = await logOut(logoutToken(parts()));
    expect([answer.status, answer.headers['cache-control']]).toEqual([400, 'no-store']);
    expect(answer.body).toMatchObject({ error: 'invalid_request' });
    expect((answer.body as { error_description: string }).error_description).toContain(part);
    await expectNobody();
  });

  it('refuses a signature of another key, of a secret, of none, and other kinds of tokens', async () => {
    await boot();
    const [header, payload = '', signature = ''] = logoutToken().split('.');
    const publicKey = issuer.key.publicKey.export({ type: 'spki', format: 'pem' });
    const hmac = `${encode({ alg: 'HS256', typ: 'logout+jwt', kid: issuer.key.kid })}.${payload}`;
    for (const token of [
      logoutToken({}, { ...makeKey(), kid: issuer.key.kid }),
      logoutToken({}, makeKey()),
      hmacToken(publicKey, 'HS256', hmac),
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}.${payload}.${signature}.x.y`,
      `${encode({ alg: 'none' })}.${payload}.`,
      issuer.token({ claims: { aud: CLIENT } }),
      issuer.token({ header: { typ: 'JWT' }, claims: { aud: CLIENT } }),
      'junk',
    ]) {
      const answer = await logOut(token);
      expect([answer.status, (answer.body as { error: string }).error]).toEqual([400, 'invalid_request']);
    }
    await expectNobody();
  });

  it('accepts each jti once, until the token has expired', async () => {
    holdClock();
    await boot({ revocationDuration: 10, clockTolerance: 5 });
    const token = logoutToken();
    expect((await logOut(token)).status).toBe(200);
    const again = await logOut(token);
    expect([again.status, again.body]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'The logout token was received before (jti)' },
    ]);
    advanceClock(60);
    expect((await logOut(token)).status).toBe(400);
    advanceClock(66);
    expect((await logOut(token)).status).toBe(400);
  });

  it('refuses bodies of another kind', async () => {
    await boot();
    const token = logoutToken();
    const json = { 'content-type': 'application/json' };
    for (const [body, headers] of [
      [`logout_token=${token}`, {}],
      [`logout_token=${token}`, { 'content-type': 'text/plain' }],
      [JSON.stringify({ logout_token: token }), json],
      ['', FORM],
      ['logout_token=', FORM],
      [`token=${token}`, FORM],
      [`logout_token=${token}&logout_token=${token}`, FORM],
    ] as const) {
      const answer = await post(body, headers);
      expect([answer.status, (answer.body as { error: string }).error]).toEqual([400, 'invalid_request']);
    }
    await expectNobody();
    const charset = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' };
    expect((await post(`state=x&logout_token=${token}`, charset)).status).toBe(200);
  });

  it('does not keep a megabyte, nor a body that says so and is not', async () => {
    await boot();
    for (const body of [
      `logout_token=${'x'.repeat(1_000_000)}`,
      `x=${'y'.repeat(70_000)}&logout_token=${logoutToken()}`,
    ]) {
      const answer = await post(body);
      expect([answer.status, answer.body]).toEqual([
        400,
        { error: 'invalid_request', error_description: 'The body is too large, or incomplete' },
      ]);
    }
    await expectNobody();
  });

  it('is a POST at the root of the host only, which no controller answers', async () => {
    await boot();
    expect((await app.get('/backchannel-logout')).status).toBe(404);
    expect((await post(`logout_token=${logoutToken()}`, FORM, '/api/backchannel-logout')).status).not.toBe(
      200,
    );
    expect(await status({ sub: 'u1', sid: 's1' })).toBe(200);
    const routes = app.nest.get(RouteTable).list();
    expect(routes.find(({ path }) => path === '/backchannel-logout')).toMatchObject({
      kind: 'http',
      method: 'POST',
      access: 'public',
      declared: true,
      handler: 'BackChannelLogout',
    });
    expect(routes.filter(({ access }) => access === 'unprotected')).toEqual([]);
  });

  it('has the path and the audience of the options', async () => {
    await boot({
      ...issuer.introspecting,
      backChannelLogout: { path: '/hooks/sign-out' },
      logoutAudience: undefined,
    });
    const token = logoutToken({ claims: { aud: 'the-api' } });
    expect((await logOut(token)).status).toBe(404);
    expect((await post(`logout_token=${token}`, FORM, '/hooks/sign-out')).status).toBe(200);
  });

  it('is not there unless it is switched on', async () => {
    await boot({ backChannelLogout: undefined });
    expect((await logOut(logoutToken())).status).toBe(404);
    await expectNobody();
  });

  it('asks the provider to try again while the keys cannot be had', async () => {
    issuer.server.goDown();
    await boot();
    const token = logoutToken();
    const answer = await logOut(token);
    expect([answer.status, answer.headers['cache-control']]).toEqual([503, 'no-store']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    issuer.server.recover();
    let later = answer;
    for (; later.status === 503; later = await logOut(token)) advanceClock(5);
    expect(later.status).toBe(200);
  });

  it('asks the provider to try again while the store fails, and has ended the session here', async () => {
    const revocationStore: RevocationStore = {
      add: () => Promise.reject(new Error('down')),
      list: () => [],
      subscribe: () => () => undefined,
    };
    await boot({ revocationStore });
    await expectNobody();
    expect((await logOut(logoutToken())).status).toBe(503);
    expect([
      await status({ sub: 'u1', sid: 's1' }),
      await status({ sub: 'u1' }),
      await status({ sub: 'u1', sid: 's2' }),
    ]).toEqual([401, 401, 200]);
  });

  it('asks for nothing of an issuer that is not configured', async () => {
    const other = await Issuer.start();
    await boot({ warmUp: 'off' });
    const token = logoutToken({ claims: { iss: other.server.issuer } }, other.key);
    expect((await logOut(token)).status).toBe(400);
    expect([other.server.requests, issuer.server.count('/jwks')]).toEqual([[], issuer.server.count('/jwks')]);
    await other.close();
  });

  it('fetches keys a few times only, however many invented ones come, and then still a real one', async () => {
    await boot();
    await expectNobody();
    const before = issuer.server.count('/jwks');
    const [key, began] = [makeKey(), performance.now()];
    const answers = await Promise.all(
      Array.from({ length: 2000 }, () => logOut(logoutToken({ header: { kid: randomUUID() } }, key))),
    );
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([400, 503]));
    const seconds = (performance.now() - began) / 1000;
    expect(issuer.server.count('/jwks') - before).toBeLessThanOrEqual(seconds + 3);
    await expectNobody();
    expect((await logOut(logoutToken())).status).toBe(200);
    expect(await status({ sub: 'u1', sid: 's1' })).toBe(401);
  });
});
