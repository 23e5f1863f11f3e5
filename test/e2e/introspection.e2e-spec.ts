/** Opaque tokens: what the provider is asked, how its answers are judged, and what its failures mean. */
import { Controller, Get } from '@nestjs/common';
import { Claims, Groups, Introspect, Scopes, type AuthModuleOptions } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import type { AuthorizationServer } from '../support/authorization-server.js';
import { advanceClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { CLIENT_SECRET, Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';
import { makeKey, nowInSeconds } from '../support/tokens.js';

@Controller()
class ThingsController {
  @Get('things') list(@Claims('sub') sub: string): unknown {
    return { sub };
  }
  @Get('issuer') issuer(@Claims('iss') iss: string): string {
    return iss;
  }
  @Get('scoped') @Scopes('write:things') scoped(): string {
    return 'ok';
  }
  @Get('grouped') @Groups('staff') grouped(): string {
    return 'ok';
  }
  @Get('live') @Introspect() live(): string {
    return 'ok';
  }
  @Get('recent') @Introspect({ maxAge: 30 }) recent(): string {
    return 'ok';
  }
}

const missing = undefined;

/** Answers that are no acceptance, and the reason in the log. */
const REFUSED: readonly (readonly [string, Record<string, unknown>, string])[] = [
  ['inactive', { active: false }, 'inactive_token: the provider reports active: false'],
  ['active as a string', { active: 'true' }, 'inactive_token'],
  ['active as a number', { active: 1 }, 'inactive_token'],
  ['no active', { active: missing }, 'inactive_token'],
  ['another audience', { aud: 'https://other.example.com' }, 'aud is'],
  ['no audience', { aud: missing }, 'allowMissingAudience'],
  ['an audience that is null', { aud: null }, 'aud is neither'],
  ['another issuer', { iss: 'https://other.example.com' }, 'iss is'],
  ['expired', { exp: 1 }, 'the token expired'],
  ['exp as a string', { exp: '99999999999' }, 'exp is'],
  ['exp in milliseconds', { exp: 4e12 }, 'milliseconds'],
  ['not yet valid', { nbf: 4e9 }, 'the token starts in'],
  ['issued in the future', { iat: 4e9 }, 'in the future'],
  ['a refresh token', { token_type: 'refresh_token' }, 'not an access token'],
  ['an ID token', { token_type: 'id_token' }, 'not an access token'],
  ['a refresh token of Keycloak', { typ: 'Refresh' }, 'not an access token'],
  ['cnf that is no object', { cnf: 'x' }, 'cnf is not an object'],
  ['cnf that is null', { cnf: null }, 'cnf is not an object'],
  ['sub that is no string', { sub: 7 }, 'sub is not a string'],
  ['bound by DPoP, sent as Bearer', { cnf: { jkt: 'x' } }, 'DPoP-bound'],
  ['bound to a certificate, without one', { cnf: { 'x5t#S256': 'x' } }, 'none was presented'],
];

const ACCEPTED: readonly (readonly [string, Record<string, unknown>])[] = [
  [
    'a bare answer',
    { iss: missing, sub: missing, iat: missing, jti: missing, client_id: missing, exp: missing },
  ],
  [
    'null for everything that may be left out',
    Object.fromEntries(
      ['iss', 'sub', 'iat', 'nbf', 'exp', 'jti', 'client_id', 'scope', 'username', 'token_type'].map(
        (name) => [name, null],
      ),
    ),
  ],
  ['times with fractions', { exp: nowInSeconds() + 600.5, nbf: 1.5, iat: 1.25 }],
  ['a token type', { token_type: 'bearer' }],
  ['another token type', { token_type: 'access_token' }],
  ['a list of audiences', { aud: ['https://other.example.com', 'https://api.example.com'] }],
];

type Fault = (server: AuthorizationServer) => AuthModuleOptions | void;
const answers =
  (status: number, body = '', headers: Record<string, string> = {}): Fault =>
  (server) =>
    server.answerWith('/introspect', status, body, headers);

const UNAVAILABLE: readonly (readonly [string, Fault])[] = [
  ['hangs up', (server) => server.answer('/introspect', (_, response) => response.destroy())],
  [
    'does not answer',
    (server) => {
      server.answer('/introspect', () => undefined);
      return { responseTimeout: 0.2 };
    },
  ],
  ['answers 500', answers(500)],
  ['answers 503', answers(503, '<html>')],
  ['answers 429', answers(429)],
  ['answers null', answers(200, 'null')],
  ['answers a list', answers(200, '[{"active":true}]')],
  ['answers HTML', answers(200, '<html>')],
  ['answers nothing', answers(200)],
  ['is cut off', answers(200, '{"active":true,')],
  ['answers with a member twice', answers(200, '{"active":false,"active":true}')],
  ['answers a megabyte', answers(200, `{"active":true,"x":"${'x'.repeat(1_000_000)}"}`)],
  [
    'signs with nothing',
    answers(200, 'e30.e30.e30', { 'content-type': 'application/token-introspection+jwt' }),
  ],
];

const AT_FAULT: readonly (readonly [string, Fault, string])[] = [
  ['400 invalid_client', answers(400, '{"error":"invalid_client"}'), 'clientSecret and clientAuthMethod'],
  ['400 without a body', answers(400), 'clientSecret and clientAuthMethod'],
  ['401 without a body', answers(401), 'clientSecret and clientAuthMethod'],
  ['401 invalid_client', answers(401, '{"error":"invalid_client"}'), '401 invalid_client'],
  ['403 with HTML', answers(403, '<html>'), 'clientSecret and clientAuthMethod'],
  ['404', answers(404), 'introspectionEndpoint'],
  ['302', answers(302, '', { location: 'https://elsewhere.example' }), 'introspectionEndpoint'],
];

describe.each(PLATFORMS)('introspection on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  const boot = async (options: AuthModuleOptions = {}): Promise<void> => {
    app = await bootApp(
      { ...issuer.introspecting, ...options },
      { platform, controllers: [ThingsController] },
    );
  };
  const status = async (token: string, path = '/things'): Promise<number> =>
    (await app.get(path, bearer(token))).status;
  const asked = (): number => issuer.server.introspections.length;

  beforeEach(async () => {
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    await app.close();
    await issuer.close();
  });

  it('asks as RFC 7662 has it, and hands out the claims', async () => {
    await boot({ warmUp: 'off' });
    const token = issuer.opaqueToken({ sub: 'ann' });
    const answer = await app.get('/things', bearer(token));
    expect([answer.status, answer.body]).toEqual([200, { sub: 'ann' }]);
    expect(Object.fromEntries(issuer.server.introspections[0] ?? [])).toEqual({
      token,
      token_type_hint: 'access_token',
      client_id: 'the-api',
      client_secret: CLIENT_SECRET,
    });
    expect(issuer.server.count('/jwks')).toBe(0);
  });

  it.each(REFUSED)('refuses an answer with %s', async (_, claims, reason) => {
    await boot();
    const answer = await app.get('/things', bearer(issuer.opaqueToken(claims)));
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(answer.body).toEqual({ statusCode: 401, message: 'unauthorized' });
    expect(loggedLines().join('\n')).toContain(reason);
  });

  it.each(ACCEPTED)('accepts an answer with %s', async (_, claims) => {
    await boot();
    expect(await status(issuer.opaqueToken(claims))).toBe(200);
  });

  it('names the issuer that answered where the answer does not', async () => {
    await boot();
    const answer = await app.get('/issuer', bearer(issuer.opaqueToken({ iss: undefined })));
    expect(answer.text).toBe(issuer.options.issuer);
  });

  it('accepts an answer without an audience where the application says so, and judges one that is there', async () => {
    await boot({ allowMissingAudience: true });
    expect(await status(issuer.opaqueToken({ aud: undefined }))).toBe(200);
    expect(await status(issuer.opaqueToken({ aud: 'https://other.example.com' }))).toBe(401);
    expect(await status(issuer.opaqueToken({ aud: null }))).toBe(401);
  });

  it('hands out no claim that the provider wrote as null', async () => {
    await boot();
    const answer = await app.get('/things', bearer(issuer.opaqueToken({ sub: null })));
    expect([answer.status, answer.body]).toEqual([200, {}]);
  });

  it('judges scopes and groups on every request', async () => {
    await boot();
    const token = issuer.opaqueToken({ scope: 'read:things', groups: ['staff'] });
    expect([await status(token, '/scoped'), await status(token), await status(token, '/grouped')]).toEqual([
      403, 200, 200,
    ]);
    expect(asked()).toBe(1);
  });

  it.each(UNAVAILABLE)('503 when the provider %s, remembered by nobody', async (_, fault) => {
    await boot(fault(issuer.server) ?? {});
    const token = issuer.opaqueToken();
    const answer = await app.get('/things', bearer(token));
    expect([answer.status, answer.body]).toEqual([503, { statusCode: 503, message: 'service unavailable' }]);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    issuer.server.recover();
    expect(await status(token)).toBe(200);
  });

  it.each(AT_FAULT)(
    '500 when the provider answers %s, and one line says where to look',
    async (_, fault, hint) => {
      await boot(fault(issuer.server) ?? {});
      const answer = await app.get('/things', bearer(issuer.opaqueToken()));
      expect([answer.status, answer.body]).toEqual([
        500,
        { statusCode: 500, message: 'internal server error' },
      ]);
      expect(answer.headers['www-authenticate']).toBeUndefined();
      await status(issuer.opaqueToken());
      const lines = loggedLines().filter((line) => line.startsWith('ThingsController.list: rejected'));
      expect(lines).toEqual([expect.stringContaining(hint)]);
    },
  );

  it('leaves a provider alone that asks for it', async () => {
    await boot();
    answers(429, '', { 'retry-after': '20' })(issuer.server);
    const first = await app.get('/things', bearer(issuer.opaqueToken()));
    expect([first.status, first.headers['retry-after']]).toEqual([503, '20']);
    issuer.server.recover();
    advanceClock(10);
    const second = await app.get('/things', bearer(issuer.opaqueToken()));
    expect([second.status, second.headers['retry-after'], asked()]).toEqual([503, '10', 0]);
    advanceClock(11);
    expect(await status(issuer.opaqueToken())).toBe(200);
  });

  it('says 401 of a kind of token that the provider does not introspect', async () => {
    await boot({ introspectJwtTokens: true });
    answers(400, '{"error":"unsupported_token_type"}')(issuer.server);
    expect(await status(issuer.token())).toBe(401);
  });

  it('shows the provider no JWT of another issuer', async () => {
    await boot({ introspectJwtTokens: true });
    const { issuer: own } = issuer.server;
    for (const iss of ['https://other.example.com', `${own}.example.com`, `${own}//`, own.toUpperCase(), ''])
      expect([iss, await status(issuer.token({ claims: { iss } })), asked()]).toEqual([iss, 401, 0]);
    expect(loggedLines().join('\n')).toContain(
      'iss is "https://other.example.com", and the provider was not called',
    );
    const good = issuer.token();
    issuer.server.introspected.set(good, { active: true, ...issuer.claims() });
    expect([await status(good), asked()]).toEqual([200, 1]);
  });

  it('500 when the metadata names no introspection endpoint; the option helps', async () => {
    const metadata = { ...issuer.server.metadata, introspection_endpoint: undefined };
    issuer.server.answerWith(issuer.server.discoveryPath, 200, JSON.stringify(metadata));
    await boot();
    expect(await status(issuer.opaqueToken())).toBe(500);
    expect(loggedLines().join('\n')).toContain('introspectionEndpoint: the metadata of the issuer has no');
    await app.close();
    await boot({ introspectionEndpoint: `${issuer.server.origin}/introspect` });
    expect(await status(issuer.opaqueToken())).toBe(200);
  });

  it.each(['two.parts', 'a.b.c.d.e', 'junk', 'a'.repeat(8000)])('asks about %s', async (token) => {
    await boot();
    expect(await status(token)).toBe(401);
    expect(asked()).toBe(1);
  });

  it('does not ask about what cannot be a token', async () => {
    await boot({
      tokenResolver: ({ headers }) => Buffer.from(String(headers['x-token']), 'base64').toString(),
    });
    for (const junk of [
      'with space',
      'with"quote',
      'ünï',
      '\u0000',
      'a=b',
      'x'.repeat(9000).replace(/$/, '!'),
    ]) {
      const headers = { 'x-token': Buffer.from(junk).toString('base64') };
      expect((await app.get('/things', headers)).status).toBe(401);
    }
    expect(asked()).toBe(0);
  });

  it('asks once, however many requests wait', async () => {
    await boot();
    issuer.server.delay = 50;
    const token = issuer.opaqueToken();
    const statuses = await Promise.all(Array.from({ length: 500 }, () => status(token)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(asked()).toBe(1);
  });

  it('answers those who wait though the first one left', async () => {
    await boot();
    const release = issuer.server.holdIntrospection();
    const token = issuer.opaqueToken();
    const leaving = new AbortController();
    const left = fetch(`${app.origin}/things`, {
      headers: { ...bearer(token), connection: 'close' },
      signal: leaving.signal,
    });
    while (asked() === 0) await new Promise(setImmediate);
    const staying = [status(token), status(token)];
    leaving.abort();
    await expect(left).rejects.toThrow();
    release();
    expect(await Promise.all(staying)).toEqual([200, 200]);
    expect(asked()).toBe(1);
  });

  it('validates JWTs here, unless told to introspect them', async () => {
    await boot();
    expect([await status(issuer.token()), asked()]).toEqual([200, 0]);
    await app.close();
    await boot({ introspectJwtTokens: true });
    const revoked = issuer.token();
    const good = issuer.token();
    issuer.server.introspected.set(good, { active: true, ...issuer.claims() });
    expect([await status(revoked), await status(good), asked()]).toEqual([401, 200, 2]);
  });

  it('asks now where a route says so, about JWTs too', async () => {
    await boot();
    const token = issuer.opaqueToken();
    expect([await status(token), await status(token, '/live'), await status(token, '/live')]).toEqual([
      200, 200, 200,
    ]);
    expect(asked()).toBe(3);
    issuer.server.introspected.delete(token);
    expect([await status(token, '/live'), await status(token)]).toEqual([401, 401]);
    const jwt = issuer.token();
    expect([await status(jwt), await status(jwt, '/live')]).toEqual([200, 401]);
  });

  it('asks nothing about a JWT that is refused without the provider', async () => {
    await boot();
    const [good, foreign] = [issuer.token(), makeKey('ES256', issuer.key.jwk.kid)];
    issuer.server.introspected.set(good, { active: true, ...issuer.claims() });
    const bad = [
      'a.b.c',
      `${good.slice(0, -4)}AAAA`,
      issuer.token({}, foreign),
      issuer.token({ claims: { exp: 1 } }),
      issuer.token({ claims: { aud: 'https://other.example.com' } }),
      issuer.token({ claims: { iss: 'https://other.example.com' } }),
      issuer.token({ header: { alg: 'none' } }),
      issuer.token({ header: { typ: 'logout+jwt' } }),
    ];
    for (const token of bad) {
      issuer.server.introspected.set(token, { active: true, ...issuer.claims() });
      for (const path of ['/live', '/recent']) expect(await status(token, path)).toBe(401);
    }
    expect(asked()).toBe(0);
    expect([await status(good, '/live'), asked()]).toEqual([200, 1]);
  });

  it('does not ask about refused tokens again, within the age that a route allows', async () => {
    await boot();
    expect([await status('junk', '/recent'), await status('junk', '/recent'), asked()]).toEqual([
      401, 401, 1,
    ]);
    advanceClock(9);
    expect([await status('junk', '/recent'), asked()]).toEqual([401, 1]);
    advanceClock(2);
    expect([await status('junk', '/recent'), asked()]).toEqual([401, 2]);
    expect([await status('junk', '/live'), await status('junk', '/live'), asked()]).toEqual([401, 401, 4]);
  });

  it.each(['/live', '/things'])(
    'holds a JWT to its own binding at %s where the answer leaves it out',
    async (path) => {
      await boot({ introspectJwtTokens: path === '/things' });
      const bound = issuer.token({ claims: { cnf: { jkt: 'a-thumbprint' } } });
      issuer.server.introspected.set(bound, { active: true, ...issuer.claims() });
      expect([await status(bound, path), asked()]).toEqual([401, 1]);
      expect(loggedLines().join('\n')).toContain('DPoP-bound');
    },
  );

  it('takes an answer of the age that a route allows', async () => {
    await boot();
    const token = issuer.opaqueToken();
    await status(token, '/recent');
    advanceClock(29);
    await status(token, '/recent');
    expect(asked()).toBe(1);
    advanceClock(2);
    issuer.server.introspected.delete(token);
    expect(await status(token, '/recent')).toBe(401);
  });

  it('does not use an answer past exp', async () => {
    await boot({ clockTolerance: 0 });
    const token = issuer.opaqueToken({ exp: nowInSeconds() + 60 });
    expect(await status(token)).toBe(200);
    advanceClock(61);
    expect(await status(token)).toBe(401);
  });
});

describe('@Introspect()', () => {
  it('refuses to start where introspection is not configured', async () => {
    const issuer = await Issuer.start();
    const starting = bootApp(issuer.options, { platform: 'Express', controllers: [ThingsController] });
    await expect(starting).rejects.toThrow('ThingsController.live: @Introspect() requires introspection');
    await issuer.close();
  });

  it.each([-1, NaN, '5'])('refuses a maximum age of %s where it stands', (maxAge) => {
    expect(() => Introspect({ maxAge: maxAge as number })).toThrow(TypeError);
  });
});
