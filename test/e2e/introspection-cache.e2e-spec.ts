/** What is remembered of introspection answers in memory: how long, how much, and what a hit may not skip. */
import { Controller, Get } from '@nestjs/common';
import { Scopes, TokenValidationService, type AuthModuleOptions } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { nowInSeconds } from '../support/tokens.js';

@Controller()
class ThingsController {
  @Get('things') list(): string {
    return 'ok';
  }
  @Get('scoped') @Scopes('admin') scoped(): string {
    return 'ok';
  }
}

describe.each(PLATFORMS)('remembered answers on %s', (platform) => {
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

  it('serve for introspectionCacheDuration, and a revoked token as long', async () => {
    await boot({ introspectionCacheDuration: 60 });
    const token = issuer.opaqueToken();
    await status(token);
    issuer.server.introspected.delete(token);
    advanceClock(59);
    expect([await status(token), asked()]).toEqual([200, 1]);
    advanceClock(2);
    expect([await status(token), asked()]).toEqual([401, 2]);
  });

  it('serve never past exp', async () => {
    await boot();
    const token = issuer.opaqueToken({ exp: nowInSeconds() + 30 });
    await status(token);
    issuer.server.introspected.delete(token);
    advanceClock(31);
    expect([await status(token), asked()]).toEqual([401, 2]);
  });

  it('serve for the configured time where there is no exp', async () => {
    await boot({ introspectionCacheDuration: 60 });
    const token = issuer.opaqueToken({ exp: undefined });
    await status(token);
    advanceClock(59);
    await status(token);
    expect(asked()).toBe(1);
    advanceClock(2);
    await status(token);
    expect(asked()).toBe(2);
  });

  it('do not exist where it is 0', async () => {
    await boot({ introspectionCacheDuration: 0 });
    const token = issuer.opaqueToken();
    expect([await status(token), await status(token), await status('junk'), await status('junk')]).toEqual([
      200, 200, 401, 401,
    ]);
    expect(asked()).toBe(4);
  });

  it('do not skip the checks of a route', async () => {
    await boot();
    const token = issuer.opaqueToken();
    expect([await status(token), await status(token, '/scoped'), asked()]).toEqual([200, 403, 1]);
  });

  it('serve while the provider is down', async () => {
    await boot();
    const token = issuer.opaqueToken();
    await status(token);
    issuer.server.goDown();
    advanceClock(200);
    expect([await status(token), await status(issuer.opaqueToken())]).toEqual([200, 503]);
  });

  it('are told apart where tokens end alike, each asked about once, each forgotten by itself', async () => {
    await boot();
    const END = '-of-the-same-make-and-much-longer-than-a-signature';
    const give = (name: string, scope: string): string => {
      issuer.server.introspected.set(name + END, { active: true, ...issuer.claims(), sub: name, scope });
      return name + END;
    };
    const [admin, guest, other] = [give('one', 'admin'), give('two', 'read'), give('three', 'admin')];
    const statuses = async (): Promise<number[]> => [
      await status(admin, '/scoped'),
      await status(guest, '/scoped'),
      await status(other, '/scoped'),
    ];
    const forget = async (sub: string): Promise<number> =>
      (await app.nest.get(TokenValidationService).forget({ sub })).evicted;

    expect([await statuses(), await statuses(), asked()]).toEqual([[200, 403, 200], [200, 403, 200], 3]);
    for (const [sub, token] of [
      ['three', other],
      ['one', admin],
      ['two', guest],
    ] as const) {
      const before = asked();
      expect([await forget(sub), await forget(sub)]).toEqual([1, 0]);
      issuer.server.introspected.delete(token);
      expect([await status(token), asked()]).toEqual([401, before + 1]);
    }
    expect(await statuses()).toEqual([401, 401, 401]);
  });

  it('of bad tokens serve for ten seconds', async () => {
    await boot();
    const token = issuer.opaqueToken({ active: false });
    await status(token);
    advanceClock(9);
    expect([await status(token), asked()]).toEqual([401, 1]);
    issuer.server.introspected.set(token, { active: true, ...issuer.claims() });
    advanceClock(2);
    expect([await status(token), asked()]).toEqual([200, 2]);
  });

  it.each(['token', 'sub', 'sid', 'jti', 'clientId'] as const)('are forgotten by %s', async (kind) => {
    await boot();
    const values = { sub: 'ann', sid: 'session-1', jti: 'id-1', clientId: 'shop' };
    const claims = { sub: 'ann', sid: 'session-1', jti: 'id-1', client_id: 'shop' };
    const [token, other] = [issuer.opaqueToken(claims), issuer.opaqueToken()];
    await Promise.all([status(token), status(other)]);
    issuer.server.introspected.clear();
    const service = app.nest.get(TokenValidationService);
    const selector = kind === 'token' ? { token } : { [kind]: values[kind] };
    expect(await service.forget(selector)).toEqual({
      evicted: 1,
      notReached: [
        'JWTs validated locally: valid until they expire',
        'the memory of other instances: for up to 300 s',
      ],
    });
    expect([await status(token), await status(other)]).toEqual([401, 200]);
  });

  it('are not filled by an answer from before they were forgotten', async () => {
    await boot();
    const release = issuer.server.holdIntrospection();
    const token = issuer.opaqueToken();
    const pending = status(token);
    while (asked() === 0) await new Promise(setImmediate);
    issuer.server.introspected.delete(token);
    await app.nest.get(TokenValidationService).forget({ token });
    release();
    expect([await pending, await status(token)]).toEqual([200, 401]);
  });

  it('serve no request after they were forgotten, though the introspection began before', async () => {
    await boot();
    const release = issuer.server.holdIntrospection(1);
    const token = issuer.opaqueToken();
    const pending = status(token);
    while (asked() === 0) await new Promise(setImmediate);
    issuer.server.introspected.set(token, { active: false });
    await app.nest.get(TokenValidationService).forget({ token });
    // The first answer is still under way.
    expect(await status(token)).toBe(401);
    release();
    expect([await pending, asked()]).toEqual([200, 2]);
  });

  it('are forgotten in every spelling that the provider takes for the same token', async () => {
    await boot();
    const token = issuer.opaqueToken({ jti: 'one' });
    const spellings = [token, `${token}=`, token.toUpperCase()];
    const answer = issuer.server.introspected.get(token);
    spellings.forEach((each) => issuer.server.introspected.set(each, answer));
    for (const each of spellings) expect(await status(each)).toBe(200);
    issuer.server.introspected.clear();
    const { evicted } = await app.nest.get(TokenValidationService).forget({ token });
    expect(evicted).toBe(3);
    for (const each of spellings) expect(await status(each)).toBe(401);
  });

  it('of tokens that are not valid yet serve until they are', async () => {
    await boot({ clockTolerance: 0 });
    const token = issuer.opaqueToken({ nbf: nowInSeconds() + 2, iat: undefined });
    expect([await status(token), await status(token), asked()]).toEqual([401, 401, 1]);
    advanceClock(3);
    expect([await status(token), asked()]).toEqual([200, 2]);
  });

  it.each([{}, { sub: '' }, { sub: 'a', jti: 'b' }, { email: 'a' }, { sub: 7 }])(
    'are not forgotten by %j, which is refused',
    async (selector) => {
      await boot();
      const service = app.nest.get(TokenValidationService);
      await expect(service.forget(selector as never)).rejects.toThrow(TypeError);
    },
  );
});
