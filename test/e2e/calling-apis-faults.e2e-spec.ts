/** What a caller is told when the authorization server refuses to issue a token for another API, or fails. */
import { Controller, Get, Inject, Query, Req } from '@nestjs/common';
import {
  ClientCredentials,
  OnBehalfOf,
  PROVIDER_CALL_CHANNEL,
  ProviderError,
  ProviderUnavailableError,
  TokenRevocations,
  type AuthModuleOptions,
  type ProviderCallEvent,
  type TokenTarget,
} from 'nestjs-resource-server';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer, type Answer } from '../support/http.js';
import { CLIENT_SECRET, Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';
import { claimsIn, PRODUCTS, TokenRequests } from '../support/token-requests.js';

@Controller()
class InvoicesController {
  constructor(
    @Inject(OnBehalfOf) private readonly onBehalfOf: OnBehalfOf,
    @Inject(ClientCredentials) private readonly credentials: ClientCredentials,
  ) {}

  @Get('exchanged') async exchanged(@Req() request: object, @Query() query: object): Promise<unknown> {
    const target: TokenTarget = { audience: PRODUCTS, dpop: 'dpop' in query };
    return claimsIn(await this.onBehalfOf.accessTokenFor(request, target));
  }
  @Get('own') async own(): Promise<unknown> {
    return claimsIn(await this.credentials.accessTokenFor({ audience: PRODUCTS }));
  }
}

const OAUTH = (error: string, members: object = {}): string => JSON.stringify({ error, ...members });
const PAGE = '<!doctype html><title>Error</title>';

/** What is no answer: 503. */
const UNUSABLE: readonly (readonly [name: string, status: number, body: string])[] = [
  ['500', 500, OAUTH('server_error')],
  ['502 with a page', 502, PAGE],
  ['429', 429, OAUTH('slow_down')],
  ['a page', 200, PAGE],
  ['nothing', 200, ''],
  ['null', 200, 'null'],
  ['a list', 200, '[]'],
  ['broken JSON', 200, '{"access_token":"abc"'],
  ['a member twice', 200, '{"access_token":"abc","access_token":"abd","token_type":"Bearer"}'],
  ['400 with a page', 400, PAGE],
  ['404', 404, 'not found'],
  ['a redirect', 302, ''],
  ['204', 204, ''],
];

/** Members of an answer that cannot be used: 503. */
const MEMBERS: readonly Record<string, unknown>[] = [
  { access_token: undefined },
  { access_token: null },
  { access_token: '' },
  { access_token: 7 },
  { access_token: 'two words' },
  { access_token: 'line\r\nbreak: yes' },
  { access_token: 'a'.repeat(70_000) },
  { token_type: undefined },
  { token_type: 'DPoP' },
  { token_type: 'MAC' },
  { token_type: 'N_A' },
  { token_type: ['Bearer'] },
  { issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
  { issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
];

describe.each(PLATFORMS)('the authorization server issues no token for another API, on %s', (platform) => {
  let issuer: Issuer;
  let requests: TokenRequests;
  let app: TestApp;

  const boot = async (options: AuthModuleOptions = {}): Promise<void> => {
    app = await bootApp(
      { ...issuer.introspecting, ...options },
      { platform, controllers: [InvoicesController] },
    );
  };
  const exchange = (path = '/exchanged', token = issuer.token()): Promise<Answer> =>
    app.get(path, bearer(token));
  const expectUnavailable = (answer: Answer): void => {
    expect(answer).toMatchObject({
      status: 503,
      body: { statusCode: 503, message: 'service unavailable' },
    });
    expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    expect(answer.headers['www-authenticate']).toBeUndefined();
  };

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  beforeEach(async () => {
    requests = new TokenRequests(issuer);
    await boot();
  });
  afterEach(() => app.close());
  afterAll(() => issuer.close());

  it.each(UNUSABLE)('answers 503 for %s, and goes on when it is over', async (_, status, body) => {
    const token = issuer.token();
    requests.fault = [status, body, { location: 'https://elsewhere.example.com/token' }];
    expectUnavailable(await exchange('/exchanged', token));
    expectUnavailable(await exchange('/own'));
    requests.fault = undefined;
    expect((await exchange('/exchanged', token)).status).toBe(200);
  });

  it('answers 503 for members that cannot be used', async () => {
    for (const members of MEMBERS) {
      requests.members = members;
      const answer = await exchange();
      expect([members, answer.status]).toEqual([members, 503]);
      // Not one that the circuit breaker has made.
      await app.close();
      await boot();
    }
    expect(requests.count).toBe(MEMBERS.length);
  });

  it("answers 503 for the caller's own token", async () => {
    const token = issuer.token();
    requests.members = { access_token: token };
    expectUnavailable(await exchange('/exchanged', token));
  });

  it.each(['bearer', 'BEARER'])('takes the token_type %s', async (token_type) => {
    requests.members = { token_type, issued_token_type: 'urn:ietf:params:oauth:token-type:jwt' };
    expect((await exchange()).status).toBe(200);
  });

  it('refuses a token that is not bound to the key, where that was requested', async () => {
    expectUnavailable(await exchange('/exchanged?dpop=true'));
    expect(requests.all[0]?.headers['dpop']).toBeDefined();
    requests.members = { token_type: 'DPoP' };
    expect((await exchange('/exchanged?dpop=true')).status).toBe(200);
  });

  it('answers 503 for an authorization server that says nothing in time', async () => {
    await app.close();
    await boot({ responseTimeout: 0.2 });
    requests.fault = 'hang';
    expectUnavailable(await exchange());
  });

  it('leaves an authorization server alone that fails for many callers', async () => {
    requests.fault = [500, ''];
    for (let i = 0; i < 20; i++) expectUnavailable(await exchange());
    expect(requests.count).toBeLessThan(10);
  });

  it.each(['invalid_client', 'unauthorized_client', 'unsupported_grant_type'])(
    'answers 500 for %s, and tells the operator',
    async (error) => {
      requests.fault = [error === 'invalid_client' ? 401 : 400, OAUTH(error)];
      for (const path of ['/exchanged', '/own']) {
        const answer = await exchange(path);
        expect([answer.status, answer.body]).toEqual([
          500,
          { statusCode: 500, message: 'internal server error' },
        ]);
      }
      expect(loggedLines().join('\n')).toContain(`${error}: check clientId, clientSecret, clientAuthMethod`);
    },
  );

  it.each([
    'invalid_grant',
    'invalid_target',
    'invalid_scope',
    'invalid_request',
    'access_denied',
    'server_error',
  ])('answers 403 for %s, and 500 where there is no caller', async (error) => {
    requests.fault = [400, OAUTH(error, { error_description: 'see "the manual"' })];
    const answer = await exchange();
    expect([answer.status, answer.body]).toEqual([403, { statusCode: 403, message: 'forbidden' }]);
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect((await exchange('/own')).status).toBe(500);
    const refusal = app.nest.get(OnBehalfOf).accessTokenFor(issuer.token(), { audience: PRODUCTS });
    await expect(refusal).rejects.toBeInstanceOf(ProviderError);
    await expect(refusal).rejects.toMatchObject({ error, status: 403, code: 'provider_error' });
  });

  it('answers 503 for temporarily_unavailable', async () => {
    requests.fault = [400, OAUTH('temporarily_unavailable')];
    expectUnavailable(await exchange());
    const refusal = app.nest.get(OnBehalfOf).accessTokenFor(issuer.token(), {});
    await expect(refusal).rejects.toMatchObject({ error: 'temporarily_unavailable', status: 503 });
  });

  it.each(['insufficient_user_authentication', 'interaction_required', 'login_required', 'consent_required'])(
    'hands %s on as a challenge that the caller can act on',
    async (error) => {
      requests.fault = [
        400,
        OAUTH(error, { acr_values: 'urn:example:mfa', max_age: 300, claims: '{"access_token":{}}' }),
      ];
      const { status, headers } = await exchange();
      expect([status, headers['www-authenticate']]).toEqual([
        403,
        'Bearer error="insufficient_user_authentication", ' +
          'error_description="The caller must sign in again, as the challenge requires", ' +
          'acr_values="urn:example:mfa", max_age="300", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="',
      ]);
      expect((await exchange('/own')).status).toBe(500);
    },
  );

  it('puts nothing else of that answer into the challenge', async () => {
    const members = { acr_values: 'a", scope="all', max_age: -1, claims: 'x'.repeat(5000), scope: 'all' };
    requests.fault = [400, OAUTH('interaction_required', members)];
    expect((await exchange()).headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", ' +
        'error_description="The caller must sign in again, as the challenge requires"',
    );
  });

  it('says nothing of tokens and secrets, whatever the authorization server repeats', async () => {
    const token = issuer.token();
    for (const said of [token, CLIENT_SECRET]) {
      requests.fault = [400, OAUTH('invalid_grant', { error_description: said, error_uri: said })];
      await exchange('/exchanged', token);
      requests.fault = [400, OAUTH(said)];
      expect((await exchange('/exchanged', token)).status).toBe(403);
      requests.fault = undefined;
      requests.members = { token_type: said.slice(0, 8) };
      await exchange('/exchanged', token);
    }
    // The logs are compared with every secret after each test.
    expect(requests.count).toBeGreaterThan(0);
  });

  it('without clientId is 500, and nothing is sent', async () => {
    await app.close();
    app = await bootApp(issuer.options, { platform, controllers: [InvoicesController] });
    for (const path of ['/exchanged', '/own']) expect((await exchange(path)).status).toBe(500);
    expect(requests.count).toBe(0);
    expect(loggedLines().join('\n')).toContain('configure clientId and clientSecret');
  });

  it('refuses a token that was revoked since the request began', async () => {
    const token = issuer.token({ claims: { sub: 'gone' } });
    const onBehalfOf = app.nest.get(OnBehalfOf);
    await onBehalfOf.accessTokenFor(token, { audience: PRODUCTS });
    await app.nest.get(TokenRevocations).revoke({ sub: 'gone' });
    await expect(onBehalfOf.accessTokenFor(token, { audience: PRODUCTS })).rejects.toMatchObject({
      status: 401,
      reason: 'revoked',
    });
    expect(requests.count).toBe(1);
  });

  it('publishes each request on the channel of provider calls', async () => {
    const events: ProviderCallEvent[] = [];
    const listen = (event: unknown): void => void events.push(event as ProviderCallEvent);
    subscribe(PROVIDER_CALL_CHANNEL, listen);
    try {
      await exchange();
      await exchange('/own');
      requests.fault = [500, ''];
      await exchange();
    } finally {
      unsubscribe(PROVIDER_CALL_CHANNEL, listen);
    }
    const ours = events.filter(({ operation }) => /token_exchange|client_credentials/.test(operation));
    expect(ours.map(({ operation, outcome, status }) => [operation, outcome, status])).toEqual([
      ['token_exchange', 'answered', 200],
      ['client_credentials', 'answered', 200],
      ['token_exchange', 'answered', 500],
    ]);
    expect(JSON.stringify(events)).not.toContain(PRODUCTS);
  });

  it('rejects with what can be told apart', async () => {
    requests.fault = [500, ''];
    const call = app.nest.get(ClientCredentials).accessTokenFor({ audience: PRODUCTS });
    await expect(call).rejects.toBeInstanceOf(ProviderUnavailableError);
  });
});
