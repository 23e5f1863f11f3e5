/** Tokens for other APIs from oidc-provider: by every method of client authentication, and bound to a key. */
import { Controller, Get, Inject, Query, Req } from '@nestjs/common';
import {
  Actor,
  Claims,
  ClientCredentials,
  DPoPBound,
  OnBehalfOf,
  Scopes,
  type AccessTokenClaims,
  type AuthModuleOptions,
  type ClientAuthMethod,
} from 'nestjs-resource-server';
import { fork, type ChildProcess } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { generateKeys } from '../../lib/testing/generate-keys.js';
import { bootApp, type TestApp } from '../support/app.js';
import { makeAuthority, selfSigned, type Certificate } from '../support/certificates.js';
import { bearer } from '../support/http.js';
import { AUDIENCE } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';
import { fetchOver } from './real-provider.js';

const PRODUCTS = 'https://products.example.com';
const CALLER = { id: 'caller', secret: keepSecret('a-secret-of-the-caller') };
const SECRET = keepSecret('the/secret:of%+the api&itself=%41~"');
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

const providerAuthority = await makeAuthority('Authority of the provider');
const clientAuthority = await makeAuthority('Authority of the clients');
const issued = await clientAuthority.issue({ commonName: 'the-api', san: ['api.example.com'] });
const own = await selfSigned({ commonName: 'the-api' });
const { privateKey, publicKey } = generateKeys('ec', { namedCurve: 'P-256' });
const publicJwk = publicKey.export({ format: 'jwk' });
const privateJwk = privateKey.export({ format: 'jwk' });
keepSecret(privateJwk.d ?? '');

const presenting = ({ cert, key }: Certificate): AuthModuleOptions => ({
  clientCertificate: cert,
  clientCertificateKey: key,
});

/** Each with the client as the provider knows it, and the options. */
const METHODS: readonly (readonly [ClientAuthMethod, object, AuthModuleOptions])[] = [
  ['client_secret_post', { client_secret: SECRET }, { clientSecret: SECRET }],
  ['client_secret_basic', { client_secret: SECRET }, { clientSecret: SECRET }],
  ['client_secret_jwt', { client_secret: SECRET }, { clientSecret: SECRET }],
  [
    'private_key_jwt',
    { jwks: { keys: [publicJwk] }, token_endpoint_auth_signing_alg: 'ES256' },
    { clientSecret: privateJwk as Extract<AuthModuleOptions['clientSecret'], object> },
  ],
  ['tls_client_auth', { tls_client_auth_subject_dn: 'CN=the-api' }, presenting(issued)],
  [
    'self_signed_tls_client_auth',
    {
      jwks: {
        keys: [
          {
            ...new X509Certificate(own.cert).publicKey.export({ format: 'jwk' }),
            x5c: [own.der.toString('base64')],
          },
        ],
      },
    },
    presenting(own),
  ],
];

const COMMON = { redirect_uris: [], response_types: [] };
const CLIENTS = [
  { ...COMMON, client_id: CALLER.id, client_secret: CALLER.secret, grant_types: ['client_credentials'] },
  ...METHODS.map(([method, client]) => ({
    ...COMMON,
    client_id: method,
    token_endpoint_auth_method: method,
    grant_types: ['client_credentials', EXCHANGE],
    ...client,
  })),
];

@Controller()
class ProductsController {
  @Get('products') @Scopes('read:things') list(
    @Claims() { client_id }: AccessTokenClaims,
    @Actor() actor: unknown,
  ): unknown {
    return { client_id, actor };
  }
  @Get('bound') @DPoPBound() bound(@Claims() { client_id, cnf }: AccessTokenClaims): unknown {
    return { client_id, isBound: cnf?.jkt !== undefined };
  }
}

@Controller()
class InvoicesController {
  static products = '';

  constructor(
    @Inject(OnBehalfOf) private readonly onBehalfOf: OnBehalfOf,
    @Inject(ClientCredentials) private readonly credentials: ClientCredentials,
  ) {}

  @Get('products') products(@Req() request: object, @Query('scope') scope = 'read:things'): Promise<unknown> {
    return this.#read(this.onBehalfOf.fetch(request, { resource: PRODUCTS, scope }), '/products');
  }
  @Get('own') own(): Promise<unknown> {
    return this.#read(this.credentials.fetch({ resource: PRODUCTS, scope: 'read:things' }), '/products');
  }
  @Get('bound') bound(): Promise<unknown> {
    return this.#read(this.credentials.fetch({ resource: PRODUCTS, dpop: true }), '/bound');
  }

  async #read(request: typeof fetch, path: string): Promise<unknown> {
    const response = await request(InvoicesController.products + path);
    return { status: response.status, said: await response.json() };
  }
}

describe('tokens for other APIs from oidc-provider', () => {
  let child: ChildProcess;
  let origins: { readonly plain: string; readonly secure: string };
  let app: TestApp;
  let products: TestApp;
  const fetchSecurely = fetchOver({ ca: providerAuthority.cert });

  const callerToken = async (issuer: string): Promise<string> => {
    const answer = await fetchSecurely(`${issuer}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${CALLER.id}:${CALLER.secret}`).toString('base64')}`,
      },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'read:things',
        resource: AUDIENCE,
      }),
    });
    return keepSecret(((await answer.json()) as { access_token: string }).access_token);
  };

  const boot = async ([method, , options]: (typeof METHODS)[number]): Promise<string> => {
    const overTls = method.endsWith('tls_client_auth');
    const issuer = overTls ? origins.secure : origins.plain;
    const settings = {
      issuer,
      clientId: method,
      clientAuthMethod: method,
      ...options,
      ...(overTls && { providerCa: providerAuthority.cert }),
    };
    const api = { platform: 'Fastify', controllers: [InvoicesController] } as const;
    app = await bootApp({ ...settings, audience: AUDIENCE }, api);
    products = await bootApp(
      {
        ...settings,
        audience: PRODUCTS,
        dpop: { nonce: keepSecret('a-secret-for-nonces-of-32-characters') },
      },
      { ...api, controllers: [ProductsController] },
    );
    InvoicesController.products = products.origin;
    return issuer;
  };

  beforeAll(async () => {
    const { cert, key } = await providerAuthority.issue({ commonName: 'provider', san: ['127.0.0.1'] });
    child = fork('test/interop/introspection-provider.mjs', { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    child.send({ clients: CLIENTS, tls: { cert, key, ca: clientAuthority.cert } });
    [origins] = (await once(child, 'message')) as [typeof origins];
  });
  afterEach(async () => {
    await app.close();
    await products.close();
  });
  afterAll(() => void child.kill());

  it.each(METHODS)('exchanges by %s', async (...row) => {
    const token = await callerToken(await boot(row));
    expect((await products.get('/products', bearer(token))).status).toBe(401);
    // Twice, with an assertion of its own each: another caller's token is not remembered.
    for (const each of [
      token,
      await callerToken(row[0].endsWith('tls_client_auth') ? origins.secure : origins.plain),
    ]) {
      expect(await app.get('/products', bearer(each))).toMatchObject({
        status: 200,
        body: { status: 200, said: { client_id: CALLER.id, actor: { sub: row[0] } } },
      });
    }
    expect(await app.get('/own', bearer(token))).toMatchObject({
      status: 200,
      body: { status: 200, said: { client_id: row[0] } },
    });
  });

  it('gets a token that is bound to its key, and proves it, with the nonces of both servers', async () => {
    const [row] = METHODS;
    if (!row) throw new Error('no method');
    const token = await callerToken(await boot(row));
    const bound = { status: 200, body: { status: 200, said: { client_id: row[0], isBound: true } } };
    expect(await app.get('/bound', bearer(token))).toMatchObject(bound);
    expect(await app.get('/bound', bearer(token))).toMatchObject(bound);
  });

  it('hands a demand to sign in again on to the caller', async () => {
    const [row] = METHODS;
    if (!row) throw new Error('no method');
    const token = await callerToken(await boot(row));
    const answer = await app.get('/products?scope=step:up', bearer(token));
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toContain('error="insufficient_user_authentication"');
  });

  it('exchanges no token that the provider has revoked', async () => {
    const [row] = METHODS;
    if (!row) throw new Error('no method');
    await boot(row);
    const refusal = app.nest.get(OnBehalfOf).accessTokenFor('an-unknown-token', { resource: PRODUCTS });
    await expect(refusal).rejects.toMatchObject({ status: 401 });
  });
});
