/** Revocations of several issuers: each speaks for its own users only. */
import { randomUUID } from 'node:crypto';
import { TokenRevocations } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';
import { nowInSeconds, signToken } from '../support/tokens.js';

const LOGOUT = 'http://schemas.openid.net/event/backchannel-logout';
const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';

describe.each(PLATFORMS)('revocations of several issuers on %s', (platform) => {
  let staff: Issuer;
  let customers: Issuer;
  let app: TestApp;

  beforeAll(async () => {
    [staff, customers] = await Promise.all([Issuer.start(), Issuer.start()]);
  });
  beforeEach(async () => {
    app = await bootApp(
      {
        issuers: [
          {
            name: 'staff',
            issuer: staff.server.issuer,
            logoutAudience: 'staff-web',
          },
          {
            name: 'customers',
            issuer: customers.server.issuer,
            logoutAudience: 'shop-web',
          },
        ],
        audience: AUDIENCE,
        backChannelLogout: true,
        securityEvents: { path: '/events', audience: AUDIENCE },
      },
      { platform },
    );
  });
  afterEach(() => app.close());
  afterAll(() => Promise.all([staff.close(), customers.close()]));

  const status = async (issuer: Issuer, claims: Record<string, unknown> = {}): Promise<number> => {
    const token = issuer.token({
      claims: { sub: 'ann', iat: nowInSeconds() - 60, ...claims },
    });
    return (await app.get('/things', bearer(token))).status;
  };
  const both = async (): Promise<readonly number[]> => [await status(staff), await status(customers)];
  const logOut = async (issuer: Issuer, aud: string): Promise<number> => {
    const claims = {
      iss: issuer.server.issuer,
      aud,
      iat: nowInSeconds(),
      jti: randomUUID(),
      sub: 'ann',
    };
    const header = { typ: 'logout+jwt' };
    const token = signToken(issuer.key, { ...claims, events: { [LOGOUT]: {} } }, { header });
    const body = `logout_token=${keepSecret(token)}`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return (await app.send('/backchannel-logout', { method: 'POST', headers, body })).status;
  };
  const push = async (issuer: Issuer, subject: object): Promise<number> => {
    const claims = {
      iss: issuer.server.issuer,
      aud: AUDIENCE,
      iat: nowInSeconds(),
      jti: randomUUID(),
    };
    const header = { typ: 'secevent+jwt' };
    const event = {
      ...claims,
      sub_id: subject,
      events: { [SESSION_REVOKED]: {} },
    };
    const body = keepSecret(signToken(issuer.key, event, { header }));
    const headers = { 'content-type': 'application/secevent+jwt' };
    return (await app.send('/events', { method: 'POST', headers, body })).status;
  };

  it('concern the issuer that is named, by its name or as it is configured, or all', async () => {
    expect(await both()).toEqual([200, 200]);
    const revocations = app.nest.get(TokenRevocations);
    await revocations.revoke({ issuer: 'customers', sub: 'ann' });
    expect(await both()).toEqual([200, 401]);
    await revocations.revoke({ issuer: staff.server.issuer, sub: 'ann' });
    expect(await both()).toEqual([401, 401]);
    await revocations.revoke({ sub: 'bob' });
    expect([await status(staff, { sub: 'bob' }), await status(customers, { sub: 'bob' })]).toEqual([
      401, 401,
    ]);
    await expect(revocations.revoke({ issuer: 'partners', sub: 'ann' })).rejects.toThrow(TypeError);
  });

  it('by a logout token end the sessions of its issuer, for whose client it is meant', async () => {
    expect(await logOut(customers, 'staff-web')).toBe(400);
    expect(await both()).toEqual([200, 200]);
    expect(await logOut(customers, 'shop-web')).toBe(200);
    expect(await both()).toEqual([200, 401]);
  });

  it('by a security event end no sessions of another issuer’s users', async () => {
    expect(
      await push(customers, {
        format: 'iss_sub',
        iss: staff.server.issuer,
        sub: 'ann',
      }),
    ).toBe(202);
    expect(await both()).toEqual([200, 200]);
    expect(await push(customers, { format: 'opaque', id: 'ann' })).toBe(202);
    expect(await both()).toEqual([200, 401]);
    expect(
      await push(staff, {
        format: 'iss_sub',
        iss: staff.server.issuer,
        sub: 'ann',
      }),
    ).toBe(202);
    expect(await both()).toEqual([401, 401]);
  });

  it('by a logout token of a tenant that a function names, also before its first access token; of a removed one no more', async () => {
    await app.close();
    const known = new Set([customers.server.issuer]);
    const asked: string[] = [];
    app = await bootApp(
      {
        issuers: (iss) => {
          asked.push(iss);
          return known.has(iss)
            ? { issuer: iss, logoutAudience: 'shop-web', metadataCacheDuration: 60 }
            : undefined;
        },
        audience: AUDIENCE,
        backChannelLogout: true,
      },
      { platform },
    );
    // Of one that nobody knows nothing is asked.
    const stranger = await Issuer.start();
    expect(await logOut(stranger, 'shop-web')).toBe(400);
    expect(stranger.server.requests).toEqual([]);
    await stranger.close();
    expect(await logOut(customers, 'shop-web')).toBe(200);
    expect(asked).toEqual([stranger.server.issuer, customers.server.issuer]);
    expect([await status(customers), await status(customers, { sub: 'bob' })]).toEqual([401, 200]);

    known.clear();
    advanceClock(61);
    expect(await logOut(customers, 'shop-web')).toBe(400);
  });
});
