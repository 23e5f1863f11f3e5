/** Calls of other APIs by `HttpService` of `@nestjs/axios`, as docs/calling-apis.md has them. */
import { HttpModule, HttpService } from '@nestjs/axios';
import { Controller, Get, Inject, Post, Req, type OnModuleInit } from '@nestjs/common';
import {
  Actor,
  AuthError,
  Claims,
  ClientCredentials,
  OnBehalfOf,
  Scopes,
  type AccessTokenClaims,
} from 'nestjs-resource-server';
import { lastValueFrom, type Observable } from 'rxjs';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer, type Answer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { claimsIn, PRODUCTS, TokenRequests } from '../support/token-requests.js';

const TARGET = { audience: PRODUCTS, scope: 'read:products' };
const BOUND = { audience: PRODUCTS, dpop: true };

@Controller()
class ProductsController {
  @Get('products') @Scopes('read:products') list(
    @Claims() claims: AccessTokenClaims,
    @Actor() actor: Actor | undefined,
  ): unknown {
    return { sub: claims.sub, actor: actor?.sub };
  }
}

@Controller()
class InvoicesController implements OnModuleInit {
  static products = '';
  static nonces = '';

  constructor(
    @Inject(OnBehalfOf) private readonly onBehalfOf: OnBehalfOf,
    @Inject(HttpService) private readonly http: HttpService,
  ) {}

  onModuleInit(): void {
    this.http.axiosRef.interceptors.response.use(undefined, (error: Error) => {
      throw error.cause instanceof AuthError ? error.cause : error;
    });
  }

  /** For one call, on behalf of the caller. */
  @Get('caller') caller(@Req() request: object): Promise<unknown> {
    const env = { fetch: this.onBehalfOf.fetch(request, TARGET) };
    return read(this.http.get(InvoicesController.products, { adapter: 'fetch', env }));
  }
  /** As the module has been set up. */
  @Get('own') own(): Promise<unknown> {
    return read(this.http.get(InvoicesController.products));
  }
  @Post('stream') stream(@Req() request: object): Promise<unknown> {
    const env = { fetch: this.onBehalfOf.fetch(request, BOUND) };
    return read(this.http.post(InvoicesController.nonces, { a: 1 }, { adapter: 'fetch', env }));
  }
  @Post('repeated') repeated(@Req() request: object): Promise<unknown> {
    const env = { fetch: this.onBehalfOf.fetch(request, BOUND), Request: null as never };
    return read(this.http.post(InvoicesController.nonces, { a: 1 }, { adapter: 'fetch', env }));
  }
}

async function read(
  answer: Observable<{ readonly status: number; readonly data: unknown }>,
): Promise<unknown> {
  const { status, data } = await lastValueFrom(answer);
  return { status, data };
}

describe.each(PLATFORMS)('@nestjs/axios on %s', (platform) => {
  let issuer: Issuer;
  let requests: TokenRequests;
  let app: TestApp;
  let products: TestApp;
  let seen: { readonly nonce: unknown; readonly scheme: string | undefined; readonly body: string }[];

  beforeEach(async () => {
    issuer = await Issuer.start();
    requests = new TokenRequests(issuer);
    products = await bootApp(
      { ...issuer.options, audience: PRODUCTS },
      { platform, controllers: [ProductsController] },
    );
    const http = HttpModule.registerAsync({
      inject: [ClientCredentials],
      useFactory: (credentials: ClientCredentials) => ({
        adapter: 'fetch',
        env: { fetch: credentials.fetch(TARGET) },
        validateStatus: () => true,
      }),
    });
    app = await bootApp(issuer.introspecting, {
      platform,
      controllers: [InvoicesController],
      imports: [http],
    });
    InvoicesController.products = `${products.origin}/products`;
    InvoicesController.nonces = `${issuer.server.origin}/api`;
    seen = [];
    // An API that requires a nonce, once for each key.
    issuer.server.answer('/api', (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const { nonce } = claimsIn(String(request.headers['dpop']));
        seen.push({ nonce, scheme: request.headers.authorization?.split(' ')[0], body });
        if (nonce === 'n-1') return response.end('done');
        const challenge = { 'dpop-nonce': 'n-1', 'www-authenticate': 'DPoP error="use_dpop_nonce"' };
        return response.writeHead(401, challenge).end();
      });
    });
  });
  afterEach(async () => {
    await app.close();
    await products.close();
    await issuer.close();
  });

  const call = (path: string, method = 'GET', sub = 'ann'): Promise<Answer> =>
    app.send(path, {
      method,
      headers: { ...bearer(issuer.token({ claims: { sub } })), 'content-type': 'application/json' },
      ...(method === 'POST' && { body: '{}' }),
    });

  it('sends the token that was exchanged for the caller, each its own', async () => {
    for (const sub of ['ann', 'bob', 'ann']) {
      expect((await call('/caller', 'GET', sub)).body).toEqual({
        status: 200,
        data: { sub, actor: 'the-api' },
      });
    }
  });

  it("sends the application's own token with every call of a module, requested once", async () => {
    for (const sub of ['ann', 'bob']) {
      expect((await call('/own', 'GET', sub)).body).toMatchObject({ status: 200, data: { sub: 'the-api' } });
    }
    expect(requests.count).toBe(1);
  });

  it('answers what the guard would where no token is issued', async () => {
    requests.fault = [400, '{"error":"interaction_required","max_age":300}'];
    const { status, headers } = await call('/caller');
    expect(status).toBe(403);
    expect(headers['www-authenticate']).toContain(
      'error="insufficient_user_authentication", error_description="The caller must sign in again, as the challenge requires", max_age="300"',
    );
  });

  it('repeats a request with a body for a nonce only without Request', async () => {
    requests.members = { token_type: 'DPoP' };
    expect((await call('/stream', 'POST')).body).toMatchObject({ status: 401 });
    expect(seen).toEqual([{ nonce: undefined, scheme: 'DPoP', body: '{"a":1}' }]);
    await app.close();
    app = await bootApp(issuer.introspecting, {
      platform,
      controllers: [InvoicesController],
      imports: [HttpModule],
    });
    seen = [];
    expect((await call('/repeated', 'POST')).body).toEqual({ status: 200, data: 'done' });
    expect(seen.map(({ nonce, body }) => [nonce, body])).toEqual([
      [undefined, '{"a":1}'],
      ['n-1', '{"a":1}'],
    ]);
  });
});
