/** One API calls another on behalf of its caller: the exchange, what is remembered, and who can get whose token. */
import { Controller, Get, Inject, Query, Req } from '@nestjs/common';
import * as fc from 'fast-check';
import {
  Actor,
  Claims,
  ClientCredentials,
  OnBehalfOf,
  OptionalAuth,
  Public,
  Scopes,
  TokenValidationService,
  type AccessTokenClaims,
  type AuthModuleOptions,
  type TokenTarget,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock, holdClock, jumpClock } from '../support/clock.js';
import { bearer, type Answer } from '../support/http.js';
import { CLIENT_SECRET, Issuer } from '../support/issuer.js';
import { claimsIn, PRODUCTS, TokenRequests } from '../support/token-requests.js';

const TARGET = { audience: PRODUCTS, scope: 'read:products' };

/** The API that is called. */
@Controller()
class ProductsController {
  @Get('products') @Scopes('read:products') list(
    @Claims() claims: AccessTokenClaims,
    @Actor() actor: unknown,
  ): unknown {
    return { sub: claims.sub, actor };
  }
}

/** The API that calls. */
@Controller()
class InvoicesController {
  static productsOrigin = '';

  constructor(
    @Inject(OnBehalfOf) private readonly onBehalfOf: OnBehalfOf,
    @Inject(ClientCredentials) private readonly credentials: ClientCredentials,
  ) {}

  /** What the other API says. */
  @Get('products') async products(@Req() request: object): Promise<unknown> {
    const response = await this.onBehalfOf.fetch(
      request,
      TARGET,
    )(`${InvoicesController.productsOrigin}/products`);
    return { status: response.status, said: await response.json() };
  }
  /** The claims of the exchanged token. */
  @Get('exchanged') async exchanged(@Req() request: object, @Query() target: TokenTarget): Promise<unknown> {
    return claimsIn(await this.onBehalfOf.accessTokenFor(request, { ...target }));
  }
  @Get('own') async own(@Query() target: object): Promise<unknown> {
    return claimsIn(await this.credentials.accessTokenFor({ ...target }));
  }
  @Get('public') @Public() public(@Req() request: object): Promise<unknown> {
    return this.exchanged(request, TARGET);
  }
  @Get('optional') @OptionalAuth() optional(@Req() request: object): Promise<unknown> {
    return this.exchanged(request, TARGET);
  }
}

const query = (target: object): string => new URLSearchParams(target as Record<string, string>).toString();

describe.each(PLATFORMS)('an API that calls another, on %s', (platform) => {
  let issuer: Issuer;
  let requests: TokenRequests;
  let app: TestApp;
  let products: TestApp;

  const boot = async (options: AuthModuleOptions = {}): Promise<void> => {
    app = await bootApp(
      { ...issuer.introspecting, ...options },
      { platform, controllers: [InvoicesController] },
    );
  };
  const exchanged = (token: string, target: object = TARGET): Promise<Answer> =>
    app.get(`/exchanged?${query(target)}`, bearer(token));

  beforeAll(async () => {
    issuer = await Issuer.start();
    products = await bootApp(
      { ...issuer.options, audience: PRODUCTS },
      { platform, controllers: [ProductsController] },
    );
    InvoicesController.productsOrigin = products.origin;
  });
  beforeEach(async () => {
    holdClock();
    requests = new TokenRequests(issuer);
    await boot();
  });
  afterEach(() => app.close());
  afterAll(async () => {
    await products.close();
    await issuer.close();
  });

  it("sends the exchanged token, which is accepted where the caller's is refused", async () => {
    const token = issuer.token({ claims: { sub: 'ann', scope: 'read:products' } });
    expect((await products.get('/products', bearer(token))).status).toBe(401);
    expect(await app.get('/products', bearer(token))).toMatchObject({
      status: 200,
      body: { status: 200, said: { sub: 'ann', actor: { sub: 'the-api' } } },
    });
  });

  it('sends the parameters of RFC 8693 section 2.1, and nothing else', async () => {
    const token = issuer.token();
    await exchanged(token, { audience: PRODUCTS, scope: 'read:products write:products' });
    expect(requests.all).toMatchObject([
      { headers: { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' } },
    ]);
    expect(requests.last).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: PRODUCTS,
      scope: 'read:products write:products',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      client_id: 'the-api',
      client_secret: CLIENT_SECRET,
    });
  });

  it('sends the example of RFC 8693 section 2.3', async () => {
    await app.close();
    const credentials = { clientId: 'rs08', clientSecret: 'long-secure-random-secret' };
    await boot({ ...credentials, clientAuthMethod: 'client_secret_basic' });
    const token = issuer.opaqueToken();
    await exchanged(token, { resource: 'https://backend.example.com/api' });
    expect(requests.all[0]?.headers.authorization).toBe('Basic cnMwODpsb25nLXNlY3VyZS1yYW5kb20tc2VjcmV0');
    expect(requests.last).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      resource: 'https://backend.example.com/api',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
  });

  it('makes one request for 200 concurrent calls, and none for those that follow', async () => {
    const token = issuer.token();
    requests.delay = 20;
    const answers = await Promise.all(Array.from({ length: 200 }, () => exchanged(token)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    await exchanged(token, { audience: PRODUCTS, scope: 'read:products' });
    expect(requests.count).toBe(1);
  });

  it('makes requests of its own for another caller, audience, resource and scope', async () => {
    const [ann, bob] = [issuer.token({ claims: { sub: 'ann' } }), issuer.token({ claims: { sub: 'bob' } })];
    const targets = [
      TARGET,
      { ...TARGET, scope: 'write:products' },
      { ...TARGET, audience: 'https://other.example.com' },
      { audience: PRODUCTS },
      { resource: PRODUCTS },
      { scope: 'read:products' },
      {},
    ];
    for (const target of [...targets, ...targets]) {
      expect((await exchanged(ann, target)).body).toMatchObject({ sub: 'ann' });
      expect((await exchanged(bob, target)).body).toMatchObject({ sub: 'bob' });
    }
    expect(requests.count).toBe(2 * targets.length);
  });

  it('takes two orders of the same scopes for one', async () => {
    const token = issuer.token();
    await exchanged(token, { scope: 'a b' });
    await exchanged(token, { scope: 'b a' });
    expect(requests.count).toBe(1);
  });

  it('remembers no token without expires_in, or with one that cannot be', async () => {
    for (const expires_in of [undefined, null, 0, -1, 'soon', '-5', {}]) {
      requests.members = { expires_in };
      const token = issuer.token();
      const before = requests.count;
      expect((await exchanged(token)).status).toBe(200);
      expect((await exchanged(token)).status).toBe(200);
      expect([expires_in, requests.count - before]).toEqual([expires_in, 2]);
    }
  });

  it.each([
    [600, 569, 571],
    ['600', 569, 571],
    [60, 53, 55],
    [1e308, 86_300, 86_400],
  ])('remembers a token with expires_in %p for %d s, not for %d', async (expires_in, at, after) => {
    requests.members = { expires_in };
    const token = issuer.token({ claims: { exp: Math.floor(Date.now() / 1000) + 200_000 } });
    await exchanged(token);
    advanceClock(at);
    await exchanged(token);
    expect(requests.count).toBe(1);
    advanceClock(after - at);
    await exchanged(token);
    expect(requests.count).toBe(2);
  });

  it('does not send a token that expired while the process was suspended', async () => {
    const token = issuer.token({ claims: { exp: Math.floor(Date.now() / 1000) + 2000 } });
    await exchanged(token);
    jumpClock(900);
    await exchanged(token);
    expect(requests.count).toBe(2);
  });

  it('refuses an expired caller, though its exchanged token is remembered', async () => {
    const token = issuer.token();
    await exchanged(token);
    requests.members = { expires_in: 100_000 };
    advanceClock(901);
    expect((await exchanged(token)).status).toBe(401);
    expect(requests.count).toBe(1);
  });

  it.each(['/public', '/optional'])(
    'exchanges nothing for a request without a validated caller: %s',
    async (path) => {
      const answer = await app.get(path);
      expect(answer).toMatchObject({ status: 401, body: { statusCode: 401, message: 'unauthorized' } });
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      // On a public route nobody has looked at the token.
      expect((await app.get('/public', bearer(issuer.token()))).status).toBe(401);
      expect(requests.count).toBe(0);
    },
  );

  it('exchanges a bare token only if it is good', async () => {
    const onBehalfOf = app.nest.get(OnBehalfOf);
    const good = await onBehalfOf.accessTokenFor(issuer.token({ claims: { sub: 'ann' } }), TARGET);
    expect(claimsIn(good)).toMatchObject({ sub: 'ann', aud: PRODUCTS });
    const opaque = issuer.opaqueToken();
    await onBehalfOf.accessTokenFor(opaque, TARGET).catch(() => undefined);
    expect(requests.last['subject_token']).toBe(opaque);
    const before = requests.count;
    const [header, , signature] = issuer.token().split('.');
    const [, payload] = issuer.token({ claims: { sub: 'the boss' } }).split('.');
    const bad = [
      '',
      'unknown-opaque-token',
      `${header}.${payload}.${signature}`,
      issuer.token({ claims: { exp: 1 } }),
      issuer.token({ claims: { aud: PRODUCTS } }),
      issuer.token({ claims: { iss: 'https://elsewhere.example.com' } }),
      good,
    ];
    for (const token of bad) {
      await expect(onBehalfOf.accessTokenFor(token, TARGET)).rejects.toMatchObject({ status: 401 });
    }
    for (const nobody of [
      undefined,
      null,
      7,
      {},
      { headers: bearer(issuer.token()), user: { sub: 'ann' } },
    ]) {
      await expect(onBehalfOf.accessTokenFor(nobody as never, TARGET)).rejects.toThrow();
    }
    expect(requests.count).toBe(before);
  });

  it.each([
    { audience: '' },
    { audience: ' x' },
    { audience: 'a\nb' },
    { resource: 'products' },
    { resource: 'https://products.example.com/#a' },
    { scope: '' },
    { scope: 'a  b' },
    { scope: 'a"b' },
    { scopes: 'read:products' },
    { dpop: 'yes' },
    { subject_token: 'x' },
  ])('is a mistake of this server, and nothing is sent: %p', async (target) => {
    expect((await exchanged(issuer.token(), target)).status).toBe(500);
    expect((await app.get(`/own?${query(target)}`, bearer(issuer.token()))).status).toBe(500);
    expect(requests.count).toBe(0);
  });

  it('forgets what was exchanged for a token that is forgotten', async () => {
    const [ann, bob] = [issuer.token({ claims: { sub: 'ann' } }), issuer.token({ claims: { sub: 'bob' } })];
    for (const token of [ann, bob]) await exchanged(token);
    const tokens = app.nest.get(TokenValidationService);
    await tokens.forget({ sub: 'ann' });
    for (const token of [ann, bob]) await exchanged(token);
    expect(requests.count).toBe(3);
    await tokens.forget({ token: bob });
    for (const token of [ann, bob]) await exchanged(token);
    expect(requests.count).toBe(4);
  });

  it('does not remember an exchange that was under way when its token was forgotten', async () => {
    const token = issuer.token();
    const release = requests.hold(1);
    const first = exchanged(token);
    await issuer.server.asked('/token', issuer.server.count('/token') + 1);
    await app.nest.get(TokenValidationService).forget({ token });
    expect((await exchanged(token)).status).toBe(200);
    release();
    expect((await first).status).toBe(200);
    await exchanged(token);
    expect(requests.count).toBeGreaterThanOrEqual(2);
    const before = requests.count;
    await exchanged(token);
    expect(requests.count).toBe(before);
  });

  it("never hands out another caller's token", async () => {
    const people = ['ann', 'bob', 'eve'];
    const call = fc.record({
      person: fc.constantFrom(...people),
      session: fc.nat(1),
      target: fc.record(
        {
          audience: fc.constantFrom(PRODUCTS, 'products', 'a","b'),
          scope: fc.constantFrom('a', 'a b', 'b'),
        },
        { requiredKeys: [] },
      ),
      forgets: fc.boolean(),
      pause: fc.constantFrom(0, 0, 300, 580),
    });
    const onBehalfOf = app.nest.get(OnBehalfOf);
    const tokens = app.nest.get(TokenValidationService);
    const exp = Math.floor(Date.now() / 1000) + 1_000_000;
    const minted = new Map<string, string>();
    const tokenOf = (sub: string, sid: number): string => {
      const key = `${sub} ${sid}`;
      if (!minted.has(key)) minted.set(key, issuer.token({ claims: { sub, sid: String(sid), exp } }));
      return minted.get(key) ?? '';
    };
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 12 }), async (calls) => {
        await Promise.all(
          calls.map(async ({ person, session, target, forgets, pause }) => {
            advanceClock(pause);
            if (forgets) await tokens.forget({ sub: person });
            const claims = claimsIn(await onBehalfOf.accessTokenFor(tokenOf(person, session), target));
            expect(claims).toMatchObject({
              sub: person,
              aud: target.audience ?? PRODUCTS,
              ...(target.scope !== undefined && { scope: target.scope }),
            });
          }),
        );
      }),
      { numRuns: 40 },
    );
  });

  describe('in its own name', () => {
    const own = (target: object = TARGET): Promise<Answer> =>
      app.get(`/own?${query(target)}`, bearer(issuer.token()));

    it('sends the client credentials grant, and remembers its answer', async () => {
      expect(await own()).toMatchObject({ status: 200, body: { sub: 'the-api', aud: PRODUCTS } });
      expect(requests.last).toEqual({
        grant_type: 'client_credentials',
        ...TARGET,
        client_id: 'the-api',
        client_secret: CLIENT_SECRET,
      });
      await own({ ...TARGET, issuer: issuer.server.issuer });
      expect(requests.count).toBe(1);
      await own({ audience: PRODUCTS });
      expect(requests.count).toBe(2);
      advanceClock(571);
      await own();
      expect(requests.count).toBe(3);
    });

    it('makes one request for 200 concurrent calls', async () => {
      requests.delay = 20;
      await Promise.all(Array.from({ length: 200 }, () => own()));
      expect(requests.count).toBe(1);
    });

    it('asks no issuer that is not configured', async () => {
      expect((await own({ issuer: 'https://elsewhere.example.com' })).status).toBe(500);
      expect(requests.count).toBe(0);
    });

    it("hands out no caller's token, and no caller gets its own", async () => {
      const token = issuer.token({ claims: { sub: 'ann' } });
      await exchanged(token);
      expect((await own()).body).toMatchObject({ sub: 'the-api' });
      expect((await exchanged(token)).body).toMatchObject({ sub: 'ann' });
      expect(requests.count).toBe(2);
    });
  });

  describe('with the grant jwt-bearer', () => {
    beforeEach(async () => {
      await app.close();
      await boot({ tokenExchange: { grant: 'jwt-bearer' } });
    });

    it('sends the on-behalf-of request of Microsoft Entra ID', async () => {
      const token = issuer.token();
      const target = { scope: 'api://products/.default' };
      requests.members = { issued_token_type: undefined };
      expect((await exchanged(token, target)).status).toBe(200);
      expect(requests.last).toEqual({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: token,
        requested_token_use: 'on_behalf_of',
        scope: 'api://products/.default',
        client_id: 'the-api',
        client_secret: CLIENT_SECRET,
      });
    });

    it.each([{}, { audience: PRODUCTS }, TARGET, { resource: PRODUCTS, scope: 'a' }])(
      'is used wrongly with %p: 500, and nothing is sent',
      async (target) => {
        expect((await exchanged(issuer.token(), target)).status).toBe(500);
        expect(requests.count).toBe(0);
      },
    );
  });
});

describe('a fetch with DPoP', () => {
  it('proves the key that the token is bound to, and repeats a request with the nonce unless it is a stream', async () => {
    const issuer = await Issuer.start();
    const requests = new TokenRequests(issuer);
    const seen: Record<string, unknown>[] = [];
    issuer.server.answer('/api', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const proof = claimsIn(String(request.headers['dpop']));
        const { authorization, 'x-own': own } = request.headers;
        const body = Buffer.concat(chunks).toString();
        seen.push({ ...proof, method: request.method, authorization, own, body });
        if (proof['nonce'] === 'n-2') return response.end('done');
        const challenge = { 'dpop-nonce': 'n-2', 'www-authenticate': 'DPoP error="use_dpop_nonce"' };
        return response.writeHead(401, challenge).end();
      });
    });
    const app = await bootApp(issuer.introspecting, { platform: 'Express', controllers: [] });
    requests.members = { token_type: 'DPoP' };
    const target = { audience: PRODUCTS, dpop: true };
    const caller = issuer.token();
    const onBehalfOf = app.nest.get(OnBehalfOf);
    const url = `${issuer.server.origin}/api`;

    const stream = new Response('a stream').body;
    const streamed = await onBehalfOf.fetch(caller, target)(url, {
      method: 'POST',
      body: stream,
      duplex: 'half',
    } as RequestInit);
    expect(streamed.status).toBe(401);
    const headers = { 'x-own': 'yes', authorization: 'Basic YTpi' };
    const answer = await onBehalfOf.fetch(caller, target)(`${url}?a=b`, {
      method: 'PUT',
      body: 'text',
      headers,
    });
    expect(await answer.text()).toBe('done');
    const token = await onBehalfOf.accessTokenFor(caller, target);
    expect(seen).toMatchObject([
      { method: 'POST', body: 'a stream' },
      {
        method: 'PUT',
        htm: 'PUT',
        htu: url,
        nonce: 'n-2',
        own: 'yes',
        body: 'text',
        authorization: `DPoP ${token}`,
      },
    ]);
    expect(requests.count).toBe(1);
    await app.close();
    await issuer.close();
  });
});
