/**
 * A client of oauth4webapi acts on every challenge and succeeds, without knowing this package: RFC 6750 section 3, RFC 9470,
 * RFC 9728. For signed and opaque tokens, presented for the first time and remembered.
 */
import { Controller, Get, Req } from '@nestjs/common';
import { AnyScope, requireScopes, RequireClaims, Scopes, StepUp } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { ChallengedClient, SigningIn, type Kind } from '../support/challenged-client.js';
import { advanceClock, holdClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { freePort } from '../support/ports.js';

@Controller()
class BankController {
  @Get('any') any(): string {
    return 'ok';
  }
  @Get('account') @Scopes('account') account(): string {
    return 'ok';
  }
  @Get('either') @AnyScope('read', 'manage') either(): string {
    return 'ok';
  }
  @Get('tool') tool(@Req() request: object): string {
    requireScopes(request, 'tools:write');
    return 'ok';
  }
  @Get('pay') @Scopes('pay') @StepUp({ maxAge: 300 }) pay(): string {
    return 'ok';
  }
  @Get('limit')
  @Scopes('pay')
  @AnyScope('raise', 'manage')
  @StepUp({ acrValues: ['otp', 'hwk'], maxAge: 300 })
  limit(): string {
    return 'ok';
  }
  @Get('vip') @RequireClaims({ plan: 'pro' }) vip(): string {
    return 'ok';
  }
}

const STEP_UP = 'insufficient_user_authentication';
const LACKS = 'insufficient_scope';
const OTP = { acr_values: 'otp hwk', max_age: '300', scope: 'pay raise' };

type Said = Readonly<Record<string, string>>;

/** The user signed in 1,000 seconds ago with a password, and the client has a token with these scopes; or has none. */
const ROWS: readonly (readonly [
  name: string,
  path: string,
  scope: string | undefined,
  journey: readonly (readonly [number, Said])[],
])[] = [
  ['no token', '/account', undefined, [[401, { scope: 'account' }]]],
  ['no token, and no scope to ask for', '/any', undefined, [[401, {}]]],
  ['a missing scope', '/account', 'other', [[403, { error: LACKS, scope: 'account' }]]],
  ['one of several scopes', '/either', 'other', [[403, { error: LACKS, scope: 'read' }]]],
  ['a scope of an operation', '/tool', 'other', [[403, { error: LACKS, scope: 'tools:write' }]]],
  ['an old sign-in', '/pay', 'pay', [[401, { error: STEP_UP, max_age: '300', scope: 'pay' }]]],
  ['an old and weak sign-in', '/limit', 'pay manage', [[401, { error: STEP_UP, ...OTP }]]],
  [
    'scopes and a sign-in',
    '/limit',
    'other',
    [
      [403, { error: LACKS, scope: 'pay raise' }],
      [401, { error: STEP_UP, ...OTP }],
    ],
  ],
  [
    'everything',
    '/limit',
    undefined,
    [
      [401, { scope: 'pay raise' }],
      [401, { error: STEP_UP, ...OTP }],
    ],
  ],
];

const CASES = PLATFORMS.flatMap((platform) =>
  (['signed', 'opaque'] as const).flatMap((kind) =>
    [false, true].map((dpop): [string, string, Kind, boolean] => [
      platform,
      dpop ? 'beside DPoP' : 'alone',
      kind,
      dpop,
    ]),
  ),
);

describe.each(CASES)('a client on %s with Bearer %s, and %s tokens', (platform, _offer, kind, dpop) => {
  let issuer: Issuer;
  let app: TestApp;
  let signingIn: SigningIn;

  beforeAll(async () => {
    const port = await freePort();
    issuer = await Issuer.start();
    app = await bootApp(
      {
        ...issuer.introspecting,
        audience: `http://127.0.0.1:${port}`,
        resourceMetadata: { resource: `http://127.0.0.1:${port}` },
        introspectionCacheDuration: 7200,
        ...(dpop && { dpop: { mode: 'when_present' } }),
      },
      { platform: platform as 'Express', port, controllers: [BankController] },
    );
  });
  beforeEach(() => {
    holdClock();
    signingIn = new SigningIn(issuer, kind);
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  const clientWith = (scope: string | undefined): ChallengedClient => {
    const client = new ChallengedClient();
    if (scope !== undefined) client.token = signingIn.token({ scope, aud: app.origin });
    advanceClock(1000);
    return client;
  };

  describe.each(['for the first time', 'remembered'])('presented %s', (time) => {
    it.each(ROWS)('acts on %s', async (_name, path, scope, journey) => {
      const client = clientWith(scope);
      if (time === 'remembered' && client.token) {
        expect((await app.get('/any', bearer(client.token))).status).toBe(200);
        await app.get(path, bearer(client.token));
      }
      const response = await client.get(app.origin + path);
      expect(await response.text()).toBe('ok');
      expect(client.journey).toEqual([...journey, [200, {}]]);
      // What was demanded, no more.
      expect(signingIn.requests).toEqual(
        journey.map(([, { error: _error, ...demanded }]) =>
          expect.objectContaining({ ...demanded, resource: app.origin }),
        ),
      );
    });
  });

  it('acts on a sign-in that grew old while its token is remembered', async () => {
    const client = clientWith('pay');
    const pay = async (): Promise<number> => (await client.get(`${app.origin}/pay`)).status;
    expect(await pay()).toBe(200);
    expect(await pay()).toBe(200);
    expect(signingIn.requests).toHaveLength(1);
    advanceClock(400);
    expect(await pay()).toBe(200);
    expect(signingIn.requests).toHaveLength(2);
  });

  it('acts on a token that is not good any more', async () => {
    const client = clientWith('other');
    advanceClock(7000);
    expect((await client.get(`${app.origin}/any`)).status).toBe(200);
    expect(client.journey).toEqual([
      [401, { error: 'invalid_token' }],
      [200, {}],
    ]);
  });

  it('stops where no sign-in helps', async () => {
    const client = clientWith('other');
    expect((await client.get(`${app.origin}/vip`)).status).toBe(403);
    expect(client.journey).toEqual([
      [403, { error: LACKS }],
      [403, { error: LACKS }],
    ]);
  });
});
