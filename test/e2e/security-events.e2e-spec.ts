/** Security Event Tokens that are pushed (RFC 8935): what is verified, which events revoke what, and what revokes nothing. */
import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  RECEIVED_EVENT_CHANNEL,
  RouteTable,
  type AuthModuleOptions,
  type ReceivedEvent,
  type SecurityEventsOptions,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer, type Answer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';
import { makeKey, nowInSeconds, signToken, type TokenParts } from '../support/tokens.js';

const RECEIVER = 'https://api.example.com/events';
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/';
const SESSION_REVOKED = `${CAEP}session-revoked`;
const SET = { 'content-type': 'application/secevent+jwt' };

describe.each(PLATFORMS)('security events on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;
  const received: ReceivedEvent[] = [];
  const note = (event: unknown): void => void received.push(event as ReceivedEvent);

  const boot = async (
    events: Partial<SecurityEventsOptions> = {},
    options: AuthModuleOptions = {},
  ): Promise<void> => {
    app = await bootApp(
      { ...issuer.options, securityEvents: { path: '/events', audience: RECEIVER, ...events }, ...options },
      { platform },
    );
  };
  const eventToken = (parts: TokenParts = {}, key = issuer.key, iss = issuer.server.issuer): string =>
    keepSecret(
      signToken(
        key,
        {
          iss,
          aud: RECEIVER,
          iat: nowInSeconds(),
          jti: randomUUID(),
          sub_id: { format: 'iss_sub', iss: issuer.server.issuer, sub: 'u1' },
          events: { [SESSION_REVOKED]: { event_timestamp: nowInSeconds() } },
        },
        { ...parts, header: { typ: 'secevent+jwt', ...parts.header } },
      ),
    );
  const push = (token: string, headers: Record<string, string> = SET): Promise<Answer> =>
    app.send('/events', { method: 'POST', headers, body: token });
  const status = async (claims: Record<string, unknown>): Promise<number> => {
    const token = issuer.token({ claims: { iat: nowInSeconds() - 60, ...claims } });
    return (await app.get('/things', bearer(token))).status;
  };
  const expectNobody = async (): Promise<void> => {
    expect([
      await status({ sub: 'u1', sid: 's1', email: 'a@example.com' }),
      await status({ sub: 'u2' }),
      await status({ sub: undefined }),
    ]).toEqual([200, 200, 200]);
  };

  beforeAll(async () => {
    issuer = await Issuer.start();
    subscribe(RECEIVED_EVENT_CHANNEL, note);
  });
  beforeEach(() => {
    received.length = 0;
  });
  afterEach(async () => {
    issuer.server.recover();
    await app.close();
  });
  afterAll(async () => {
    unsubscribe(RECEIVED_EVENT_CHANNEL, note);
    await issuer.close();
  });

  it.each([
    [SESSION_REVOKED, {}, 'session-revoked'],
    [`${CAEP}credential-change`, { credential_type: 'password', change_type: 'update' }, 'credential-change'],
    [`${RISC}account-disabled`, { reason: 'hijacking' }, 'account-disabled'],
    [`${RISC}sessions-revoked`, {}, 'sessions-revoked'],
  ])('%s refuses the user’s tokens, and is counted', async (uri, event, type) => {
    await boot();
    await expectNobody();
    const answer = await push(eventToken({ claims: { events: { [uri]: event } } }));
    expect([answer.status, answer.text]).toEqual([202, '']);
    expect([await status({ sub: 'u1' }), await status({ sub: 'u2' })]).toEqual([401, 200]);
    expect(received).toEqual([{ receiver: 'security_events', type, outcome: 'revoked' }]);
  });

  const opaque = (id: string) => ({ format: 'opaque', id });
  const email = { format: 'email', email: 'a@example.com' };
  const issSub = (sub: string) => ({ format: 'iss_sub', iss: issuer.server.issuer, sub });
  it.each<[string, () => unknown, Record<string, unknown>, Record<string, unknown>]>([
    ['iss_sub', () => issSub('u1'), { sub: 'u1' }, { sub: 'u2' }],
    ['opaque', () => opaque('u1'), { sub: 'u1' }, { sid: 'u1' }],
    ['email', () => email, { email: 'a@example.com' }, { email: 'b@example.com' }],
    ['a session', () => ({ format: 'complex', session: opaque('s1') }), { sid: 's1' }, { sub: 's1' }],
    [
      'a user and a session',
      () => ({ format: 'complex', user: issSub('u1'), session: opaque('s1') }),
      { sub: 'u1', sid: 's1' },
      { sub: 'u1', sid: 's2' },
    ],
    [
      'the session of another user',
      () => ({ format: 'complex', user: email, session: opaque('s1') }),
      { email: 'a@example.com', sid: 's1' },
      { email: 'b@example.com', sid: 's1' },
    ],
  ])('know the subject %s', async (_, subject, covered, other) => {
    await boot();
    expect((await push(eventToken({ claims: { sub_id: subject() } }))).status).toBe(202);
    expect([await status(covered), await status(other)]).toEqual([401, 200]);
  });

  it.each<[string, () => unknown]>([
    ['none', () => undefined],
    ['null', () => null],
    ['a text', () => 'u1'],
    ['an empty object', () => ({})],
    ['no format', () => ({ iss: issuer.server.issuer, sub: 'u1' })],
    ['an unknown format', () => ({ format: 'phone_number', phone_number: '+1' })],
    ['aliases', () => ({ format: 'aliases', identifiers: [opaque('u1')] })],
    ['iss_sub without sub', () => ({ format: 'iss_sub', iss: issuer.server.issuer })],
    ['iss_sub without iss', () => ({ format: 'iss_sub', sub: 'u1' })],
    ['iss_sub of another issuer', () => ({ format: 'iss_sub', iss: 'https://other.example', sub: 'u1' })],
    ['an empty sub', () => issSub('')],
    ['an empty id', () => opaque('')],
    ['an id that is no text', () => ({ format: 'opaque', id: 1 })],
    ['something beside the id', () => ({ ...opaque('u1'), tenant: 't' })],
    ['an empty complex one', () => ({ format: 'complex' })],
    ['a device beside the user', () => ({ format: 'complex', user: opaque('u1'), device: opaque('d') })],
    ['a tenant alone', () => ({ format: 'complex', tenant: opaque('t') })],
    [
      'a user that cannot be read beside a session',
      () => ({ format: 'complex', user: {}, session: opaque('s1') }),
    ],
    [
      'a session that cannot be read beside a user',
      () => ({ format: 'complex', user: opaque('u1'), session: email }),
    ],
    [
      'a complex one in a complex one',
      () => ({ format: 'complex', user: { format: 'complex', user: opaque('u1') } }),
    ],
  ])('acknowledge a subject that cannot be mapped, and end nobody’s sessions: %s', async (_, subject) => {
    await boot();
    expect((await push(eventToken({ claims: { sub_id: subject(), sub: 'u1' } }))).status).toBe(202);
    await expectNobody();
    expect(received).toEqual([{ receiver: 'security_events', type: 'session-revoked', outcome: 'ignored' }]);
  });

  it('are acknowledged when they are not understood, and when they come again', async () => {
    await boot();
    const events = { 'https://schemas.openid.net/secevent/ssf/event-type/verification': { state: 'x' } };
    expect((await push(eventToken({ claims: { events, sub_id: opaque('stream') } }))).status).toBe(202);
    const token = eventToken();
    expect([(await push(token)).status, (await push(token)).status]).toEqual([202, 202]);
    expect(received.map(({ type, outcome }) => `${type} ${outcome}`)).toEqual([
      'unknown ignored',
      'session-revoked revoked',
      'session-revoked repeated',
    ]);
  });

  it('know several events of one token', async () => {
    await boot();
    const events = { [SESSION_REVOKED]: {}, 'https://x.example/event': {}, [`${RISC}account-disabled`]: {} };
    expect((await push(eventToken({ claims: { events } }))).status).toBe(202);
    expect(received.map(({ type }) => type)).toEqual(['session-revoked', 'unknown', 'account-disabled']);
    expect(await status({ sub: 'u1' })).toBe(401);
  });

  it.each<[string, unknown, readonly number[]]>([
    ['event_timestamp', -100, [401, 200, 200]],
    ['iat without it', undefined, [401, 401, 200]],
    ['iat where it is in milliseconds', 'milliseconds', [401, 401, 200]],
    ['iat where it is in the future', 4000, [401, 401, 200]],
    ['iat where it is a text', 'soon', [401, 401, 200]],
  ])('refuse tokens until %s', async (_, time, expected) => {
    await boot();
    const now = nowInSeconds();
    const timestamp =
      typeof time === 'number' ? now + time : time === 'milliseconds' ? Date.now() * 1000 : time;
    const events = { [SESSION_REVOKED]: { event_timestamp: timestamp } };
    expect((await push(eventToken({ claims: { events, iat: now - 50 } }))).status).toBe(202);
    expect([
      await status({ sub: 'u1', iat: now - 100 }),
      await status({ sub: 'u1', iat: now - 60 }),
      await status({ sub: 'u1', iat: now - 40 }),
    ]).toEqual(expected);
  });

  const claims = (members: Record<string, unknown>): TokenParts => ({ claims: members });
  it.each<[string, () => TokenParts, string]>([
    ['typ JWT', () => ({ header: { typ: 'JWT' } }), 'invalid_request'],
    ['no typ', () => ({ header: { typ: undefined } }), 'invalid_request'],
    ['typ of a logout token', () => ({ header: { typ: 'logout+jwt' } }), 'invalid_request'],
    ['an unknown iss', () => claims({ iss: 'https://other.example' }), 'invalid_issuer'],
    ['no iss', () => claims({ iss: undefined }), 'invalid_issuer'],
    ['another aud', () => claims({ aud: 'https://other.example' }), 'invalid_audience'],
    ['the aud of access tokens', () => claims({ aud: issuer.options.audience }), 'invalid_audience'],
    ['no aud', () => claims({ aud: undefined }), 'invalid_audience'],
    ['no iat', () => claims({ iat: undefined }), 'invalid_request'],
    ['iat in the future', () => claims({ iat: nowInSeconds() + 400 }), 'invalid_request'],
    ['exp that is over', () => claims({ exp: nowInSeconds() - 301 }), 'invalid_request'],
    ['no jti', () => claims({ jti: undefined }), 'invalid_request'],
    ['no events', () => claims({ events: undefined }), 'invalid_request'],
    ['empty events', () => claims({ events: {} }), 'invalid_request'],
    ['events as a list', () => claims({ events: [SESSION_REVOKED] }), 'invalid_request'],
    ['an event that is no object', () => claims({ events: { [SESSION_REVOKED]: true } }), 'invalid_request'],
    [
      'hundreds of events',
      () => claims({ events: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`e${i}`, {}])) }),
      'invalid_request',
    ],
    ['alg none', () => ({ header: { alg: 'none' } }), 'invalid_key'],
  ])('with %s are refused, and end nobody’s sessions', async (_, parts, err) => {
    await boot();
    const answer = await push(eventToken(parts()));
    expect([answer.status, answer.headers['content-language']]).toEqual([400, 'en']);
    expect(answer.body).toEqual({ err, description: expect.any(String) });
    await expectNobody();
  });

  it('of another key, of another content type, or of a megabyte are refused', async () => {
    await boot();
    const forged = eventToken({}, { ...makeKey(), kid: issuer.key.kid });
    for (const [body, headers, err] of [
      [forged, SET, 'invalid_key'],
      [eventToken({}, makeKey()), SET, 'invalid_key'],
      [eventToken(), { 'content-type': 'application/jwt' }, 'invalid_request'],
      [eventToken(), {}, 'invalid_request'],
      ['', SET, 'invalid_request'],
      ['x'.repeat(1_000_000), SET, 'invalid_request'],
    ] as const) {
      const answer = await push(body, headers);
      expect([answer.status, (answer.body as { err: string }).err]).toEqual([400, err]);
    }
    await expectNobody();
  });

  it('need the Authorization header of the options', async () => {
    const authorizationHeader = keepSecret('Bearer a-secret-of-the-transmitter');
    await boot({ authorizationHeader });
    const token = eventToken();
    for (const headers of [
      SET,
      { ...SET, authorization: 'Bearer another' },
      { ...SET, authorization: 'a-secret-of-the-transmitter' },
    ]) {
      const answer = await push(token, headers);
      expect([answer.status, answer.headers['content-language']]).toEqual([401, 'en']);
      expect(answer.body).toMatchObject({ err: 'authentication_failed' });
    }
    await expectNobody();
    expect((await push(token, { ...SET, authorization: authorizationHeader })).status).toBe(202);
    expect(await status({ sub: 'u1' })).toBe(401);
  });

  it('are asked for again while the keys cannot be had', async () => {
    issuer.server.goDown();
    await boot();
    const answer = await push(eventToken());
    expect(answer.status).toBe(503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(received).toEqual([{ receiver: 'security_events', type: 'unknown', outcome: 'unavailable' }]);
  });

  it('are listed in the route table', async () => {
    await boot();
    expect(app.nest.get(RouteTable).list()).toEqual([
      expect.objectContaining({
        method: 'POST',
        path: '/events',
        access: 'public',
        handler: 'SecurityEvents',
      }),
      expect.objectContaining({ method: 'GET', path: '/things' }),
    ]);
  });

  describe('of a transmitter of its own', () => {
    let transmitter: Issuer;
    beforeAll(async () => {
      transmitter = await Issuer.start();
    });
    afterAll(() => transmitter.close());
    const from = (parts: TokenParts = {}): string =>
      eventToken(parts, transmitter.key, transmitter.server.issuer);

    it.each([
      ['by its metadata', () => ({ issuer: transmitter.server.issuer })],
      [
        'by its key set alone',
        () => ({ issuer: transmitter.server.issuer, jwksUri: `${transmitter.server.origin}/jwks` }),
      ],
    ])('are verified %s', async (_, options) => {
      await boot(options());
      expect((await push(eventToken())).status).toBe(400);
      await expectNobody();
      expect((await push(from())).status).toBe(202);
      expect((await push(from({ claims: { sub_id: email } }))).status).toBe(202);
      expect([await status({ sub: 'u1' }), await status({ email: email.email }), await status({})]).toEqual([
        401, 401, 200,
      ]);
      expect(
        (await push(from({ claims: { sub_id: { ...issSub('u2'), iss: transmitter.server.issuer } } })))
          .status,
      ).toBe(202);
      expect(await status({ sub: 'u2' })).toBe(200);
      // Access tokens are none of its affair.
      const token = signToken(transmitter.key, { ...issuer.claims(), iss: transmitter.server.issuer });
      expect((await app.get('/things', bearer(keepSecret(token)))).status).toBe(401);
    });

    it('may have other keys than the issuer has for tokens', async () => {
      await boot({ jwksUri: `${transmitter.server.origin}/jwks` });
      expect((await push(eventToken())).status).toBe(400);
      expect((await push(eventToken({}, transmitter.key))).status).toBe(202);
      expect(await status({ sub: 'u1' })).toBe(401);
    });
  });
});
