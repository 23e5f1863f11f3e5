/** How this server shows oidc-provider who it is, by every method: accepted, or refused for the operator to mend. */
import { Controller, Get } from '@nestjs/common';
import { Claims, type AuthModuleOptions, type ClientAuthMethod } from 'nestjs-resource-server';
import { fork, type ChildProcess } from 'node:child_process';
import { X509Certificate, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch as fetchWith } from 'undici';
import { generateKeys } from '../../lib/testing/generate-keys.js';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { AuthorizationServer, sendJson } from '../support/authorization-server.js';
import { makeAuthority, selfSigned, type Certificate } from '../support/certificates.js';
import { expectInvalidToken } from '../support/gate.js';
import { bearer, type Answer } from '../support/http.js';
import { AUDIENCE } from '../support/issuer.js';
import { keepSecret, loggedLines } from '../support/no-secrets-in-output.js';

const PREFIX = 'MONOCLOUD_BACKEND_';
const CALLER = { id: 'caller', secret: keepSecret('a-secret-of-the-caller') };

@Controller()
class ThingsController {
  @Get('things') list(@Claims() claims: unknown): unknown {
    return claims;
  }
}

type Jwk = Extract<AuthModuleOptions['clientSecret'], object>;
type Metadata = Record<string, unknown>;

const keys = {
  rsa: generateKeys('rsa', { modulusLength: 2048 }),
  ec: generateKeys('ec', { namedCurve: 'P-256' }),
  ec384: generateKeys('ec', { namedCurve: 'P-384' }),
  ec521: generateKeys('ec', { namedCurve: 'P-521' }),
  ed: generateKeys('ed25519'),
};

function privateJwk(privateKey: KeyObject, members: Jwk | Metadata = {}): Jwk {
  const jwk = { ...privateKey.export({ format: 'jwk' }), ...members } as Jwk;
  for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'] as const) keepSecret(jwk[name] ?? '');
  return jwk;
}

const publicJwk = (publicKey: KeyObject, members: Metadata = {}): Metadata => ({
  ...publicKey.export({ format: 'jwk' }),
  ...members,
});

const providerAuthority = await makeAuthority('Authority of the provider');
const clientAuthority = await makeAuthority('Authority of the clients');
const issued = await clientAuthority.issue({ commonName: 'the-api', san: ['api.example.com'] });
const own = await selfSigned({ commonName: 'the-api' });
const stranger = await selfSigned({ commonName: 'the-api', san: ['api.example.com'] });
const neighbour = await clientAuthority.issue({ commonName: 'another-api' });

const presenting = ({ cert, key }: Certificate): AuthModuleOptions => ({
  clientCertificate: cert,
  clientCertificateKey: key,
});

const SECRET = keepSecret('the/secret:of%+the api&itself=%41~"');
const OTHER_SECRET = keepSecret('another-secret-as-long-as-the-right');
const OTHER_KEYS = {
  RSA: privateJwk(generateKeys('rsa', { modulusLength: 2048 }).privateKey),
  EC: privateJwk(generateKeys('ec', { namedCurve: 'P-256' }).privateKey),
  OKP: privateJwk(generateKeys('ed25519').privateKey),
};

interface Method {
  readonly name: string;
  readonly method: ClientAuthMethod;
  readonly clientId: string;
  /** The client as the provider knows it. */
  readonly client: Metadata;
  readonly options: AuthModuleOptions;
  /** A credential that is not this client's. */
  readonly wrong: AuthModuleOptions;
}

function bySecret(method: ClientAuthMethod, clientId: string): Method {
  return {
    name: method,
    method,
    clientId,
    client: { client_secret: SECRET },
    options: { clientSecret: SECRET },
    wrong: { clientSecret: OTHER_SECRET },
  };
}

function byKey(
  name: string,
  alg: string,
  pair: { privateKey: KeyObject; publicKey: KeyObject },
  members = {},
) {
  const kind = pair.publicKey.export({ format: 'jwk' }).kty as keyof typeof OTHER_KEYS;
  const method: Method = {
    name: `private_key_jwt: ${name}`,
    method: 'private_key_jwt',
    clientId: name,
    // The provider holds the client to exactly this algorithm.
    client: {
      token_endpoint_auth_signing_alg: alg,
      jwks: { keys: [publicJwk(pair.publicKey, members)] },
    },
    options: { clientSecret: privateJwk(pair.privateKey, members) },
    wrong: { clientSecret: { ...OTHER_KEYS[kind], ...members } },
  };
  return method;
}

const byAuthority = (name: string, client: Metadata, wrong: Certificate): Method => ({
  name: `tls_client_auth: ${name}`,
  method: 'tls_client_auth',
  clientId: `tls-${name}`,
  client,
  options: presenting(issued),
  wrong: presenting(wrong),
});

const POST = bySecret('client_secret_post', 'post');
const TLS = byAuthority('by subject', { tls_client_auth_subject_dn: 'CN=the-api' }, stranger);
const EC = byKey('EC', 'ES256', keys.ec, { kid: 'ec', alg: 'ES256' });

const METHODS: readonly Method[] = [
  POST,
  // RFC 6749 section 2.3.1; oidc-provider takes ASCII only (its appendix A), so é is tried elsewhere.
  bySecret('client_secret_basic', 'the:api%+ &=/%41"~'),
  bySecret('client_secret_jwt', 'secret-jwt'),
  byKey('RSA', 'RS256', keys.rsa, { kid: 'rsa', alg: 'RS256' }),
  byKey('RSA without kid and alg', 'RS256', keys.rsa),
  byKey('RSA for PS256', 'PS256', keys.rsa, { alg: 'PS256' }),
  EC,
  byKey('EC without kid and alg', 'ES256', keys.ec),
  byKey('P-384', 'ES384', keys.ec384),
  byKey('P-521', 'ES512', keys.ec521),
  byKey('Ed25519', 'Ed25519', keys.ed, { kid: 'ed', alg: 'Ed25519' }),
  byKey('Ed25519 by its older name', 'EdDSA', keys.ed, { kid: 'ed', alg: 'EdDSA' }),
  byKey('Ed25519 without kid and alg', 'Ed25519', keys.ed),
  TLS,
  byAuthority('by name', { tls_client_auth_san_dns: 'api.example.com' }, neighbour),
  {
    name: 'self_signed_tls_client_auth',
    method: 'self_signed_tls_client_auth',
    clientId: 'self-signed',
    client: {
      jwks: {
        keys: [publicJwk(new X509Certificate(own.cert).publicKey, { x5c: [own.der.toString('base64')] })],
      },
    },
    options: presenting(own),
    wrong: presenting(stranger),
  },
];

const CLIENTS: readonly Metadata[] = [
  {
    client_id: CALLER.id,
    client_secret: CALLER.secret,
    grant_types: ['client_credentials', 'urn:example:sign-in'],
  },
  {
    client_id: 'signed-answers',
    client_secret: SECRET,
    token_endpoint_auth_method: 'client_secret_post',
    introspection_signed_response_alg: 'ES256',
  },
  ...METHODS.map(({ clientId, method, client }) => ({
    client_id: clientId,
    token_endpoint_auth_method: method,
    ...client,
  })),
].map((client) => ({
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  ...client,
}));

/** Those that can be given by a variable, and which. */
const VARIABLES: Readonly<Record<string, string>> = {
  issuer: 'ISSUER',
  audience: 'AUDIENCE',
  clientId: 'CLIENT_ID',
  clientSecret: 'CLIENT_SECRET',
  clientAuthMethod: 'CLIENT_AUTH_METHOD',
  clientCertificate: 'CLIENT_CERTIFICATE',
  clientCertificateKey: 'CLIENT_CERTIFICATE_KEY',
  providerCa: 'PROVIDER_CA',
  introspectionCacheDuration: 'INTROSPECTION_CACHE_DURATION',
};

function toVariables(options: AuthModuleOptions): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([option, value]: [string, unknown]) => [
      `${PREFIX}${VARIABLES[option] ?? option}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

class RealProvider {
  readonly #agent = new Agent({ connect: { ca: providerAuthority.cert } });

  private constructor(
    private readonly child: ChildProcess,
    readonly origins: { readonly plain: string; readonly secure: string; readonly mtls: string },
  ) {}

  static async start(): Promise<RealProvider> {
    const { cert, key } = await providerAuthority.issue({ commonName: 'provider', san: ['127.0.0.1'] });
    const child = fork('test/interop/introspection-provider.mjs', {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.send({ clients: CLIENTS, tls: { cert, key, ca: clientAuthority.cert } });
    const [origins] = (await once(child, 'message')) as [RealProvider['origins']];
    return new RealProvider(child, origins);
  }

  async token(issuer: string): Promise<string> {
    const { access_token = '' } = await this.post(`${issuer}/token`, {
      grant_type: 'client_credentials',
      scope: 'read:things',
      resource: AUDIENCE,
    });
    return keepSecret(access_token);
  }

  async signIn(issuer: string): Promise<{ refreshToken: string; idToken: string }> {
    const answer = await this.post(`${issuer}/token`, { grant_type: 'urn:example:sign-in' });
    const { refresh_token = '', id_token = '' } = answer;
    return { refreshToken: keepSecret(refresh_token), idToken: keepSecret(id_token) };
  }

  async revoke(issuer: string, token: string): Promise<void> {
    await this.post(`${issuer}/token/revocation`, { token });
  }

  stop(): void {
    this.child.kill();
  }

  private async post(url: string, parameters: Record<string, string>): Promise<Record<string, string>> {
    const credentials = Buffer.from(`${CALLER.id}:${CALLER.secret}`).toString('base64');
    const response = await fetchWith(url, {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}` },
      body: new URLSearchParams(parameters),
      dispatcher: this.#agent,
    });
    expect(response.status).toBe(200);
    const text = await response.text();
    return text === '' ? {} : (JSON.parse(text) as Record<string, string>);
  }
}

const files = mkdtempSync(join(tmpdir(), 'client-authentication-'));
function file(name: string, text: string): string {
  const path = join(files, name);
  writeFileSync(path, text);
  return path;
}

/** The ways to say something in PEM. */
const SPELLINGS: readonly (readonly [string, (name: string, pem: string) => string])[] = [
  ['PEM', (_, pem) => pem],
  [String.raw`PEM with \n for its line breaks`, (_, pem) => pem.replaceAll('\n', String.raw`\n`)],
  ['the path of a file', file],
];

/** Mistakes that need no provider to be found, and the option that the line begins with. */
const UNUSABLE: readonly (readonly [string, Method, AuthModuleOptions, string])[] = [
  ['a public key for the private one', EC, { clientSecret: publicJwk(keys.ec.publicKey) }, 'clientSecret'],
  [
    'a symmetric key for the private one',
    EC,
    { clientSecret: { kty: 'oct', k: keepSecret('c2VjcmV0LXNlY3JldC1zZWNyZXQ') } },
    'clientSecret',
  ],
  [
    'a key that does not fit its alg',
    EC,
    { clientSecret: privateJwk(keys.ec.privateKey, { alg: 'RS256' }) },
    'clientSecret',
  ],
  [
    'a key for encryption',
    EC,
    { clientSecret: privateJwk(keys.ec.privateKey, { alg: 'ECDH-ES' }) },
    'clientSecret',
  ],
  ['a key that is not the certificate’s', TLS, { clientCertificateKey: stranger.key }, 'clientCertificate'],
  [
    'a certificate that is none',
    TLS,
    { clientCertificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
    'clientCertificate',
  ],
];

const faults = (): readonly string[] =>
  loggedLines().filter((line) => line.startsWith('ThingsController.list: rejected'));

describe.each(PLATFORMS)('client authentication at oidc-provider, on %s', (platform) => {
  const environment = process.env;
  let provider: RealProvider;
  let app: TestApp;

  const boot = async (options: AuthModuleOptions | undefined): Promise<void> => {
    app = await bootApp(options, { platform, controllers: [ThingsController] });
  };
  const call = (token: string): Promise<Answer> => app.get('/things', bearer(token));

  /** Over https where certificates are needed, over http else. */
  function configured({ method, clientId, options }: Method, changes: AuthModuleOptions = {}) {
    const overTls = method.endsWith('tls_client_auth');
    const complete: AuthModuleOptions = {
      issuer: overTls ? provider.origins.secure : provider.origins.plain,
      audience: AUDIENCE,
      clientId,
      // What is the default is left out.
      ...(method !== 'client_secret_post' && { clientAuthMethod: method }),
      introspectionCacheDuration: 0,
      ...(overTls && { providerCa: providerAuthority.cert }),
      ...options,
      ...changes,
    };
    return complete;
  }

  /** Twice: an assertion that is sent again is refused there. */
  async function expectAccepted({ issuer = '' }: AuthModuleOptions): Promise<void> {
    const token = await provider.token(issuer);
    const claims = {
      iss: issuer,
      aud: AUDIENCE,
      client_id: CALLER.id,
      scope: 'read:things',
      groups: ['staff'],
    };
    expect(await call(token)).toMatchObject({ status: 200, body: claims });
    expect(await call(token)).toMatchObject({ status: 200, body: claims });
    expect(faults()).toEqual([]);
  }

  /** Twice, too: it is said once. */
  async function expectOurFault(issuer: string, hint: string): Promise<void> {
    for (const token of [await provider.token(issuer), await provider.token(issuer)]) {
      const answer = await call(token);
      expect([answer.status, answer.body]).toEqual([
        500,
        { statusCode: 500, message: 'internal server error' },
      ]);
      expect(answer.headers['www-authenticate']).toBeUndefined();
    }
    expect(faults()).toEqual([expect.stringContaining(hint)]);
  }

  beforeAll(async () => {
    provider = await RealProvider.start();
  });
  afterEach(async () => {
    process.env = environment;
    await app.close();
  });
  afterAll(() => provider.stop());

  describe.each(METHODS)('$name', (row) => {
    it('is accepted', async () => {
      const options = configured(row);
      await boot(options);
      await expectAccepted(options);
    });

    it('is accepted from the environment', async () => {
      const options = configured(row);
      process.env = { ...environment, ...toVariables(options) };
      await boot(undefined);
      await expectAccepted(options);
    });

    it('with a wrong credential is 500, and one line says where to look', async () => {
      const options = configured(row, row.wrong);
      await boot(options);
      const proof =
        'clientCertificate' in row.wrong ? 'clientCertificate, clientCertificateKey' : 'clientSecret';
      await expectOurFault(
        options.issuer ?? '',
        `answered 401 invalid_client: check clientId, ${proof} and clientAuthMethod (${row.method})`,
      );
    });
  });

  it.each(UNUSABLE)(
    '%s stops the start, and the message says where to look',
    async (_, row, wrong, option) => {
      await expect(boot(configured(row, wrong))).rejects.toThrow(`\n  ${option} (MONOCLOUD_BACKEND_`);
    },
  );

  describe.each(SPELLINGS)('certificate, key and authority as %s', (_, spell) => {
    const spelt = (): AuthModuleOptions =>
      configured(TLS, {
        clientCertificate: spell('certificate.pem', issued.cert),
        clientCertificateKey: spell('key.pem', issued.key),
        providerCa: spell('ca.pem', providerAuthority.cert),
      });

    it('in options', async () => {
      await boot(spelt());
      await expectAccepted(spelt());
    });

    it('in variables', async () => {
      process.env = { ...environment, ...toVariables(spelt()) };
      await boot(undefined);
      await expectAccepted(spelt());
    });
  });

  it('asks at the plain endpoint without a certificate, and at an endpoint of its own by option', async () => {
    const { secure, mtls } = provider.origins;
    const plain = configured(POST, { issuer: secure, providerCa: providerAuthority.cert });
    await boot(plain);
    await expectAccepted(plain);
    await app.close();
    const byOption = configured(TLS, { introspectionEndpoint: `${mtls}/token/introspection` });
    await boot(byOption);
    await expectAccepted(byOption);
    await app.close();
    // Where no certificate is asked for, none is shown, and the operator is told as ever.
    await boot(configured(TLS, { introspectionEndpoint: `${secure}/token/introspection` }));
    await expectOurFault(secure, 'clientCertificate');
  });

  it('503 when the provider’s certificate is not of the authority', async () => {
    await boot(configured(TLS, { providerCa: clientAuthority.cert }));
    const answer = await call(await provider.token(provider.origins.secure));
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([503, undefined]);
    expect(loggedLines().join('\n')).toMatch(/discovery failed: .*certificate/);
  });

  it('401 for a token that was revoked', async () => {
    const options = configured(POST);
    const { issuer = '' } = options;
    await boot(options);
    const token = await provider.token(issuer);
    expect((await call(token)).status).toBe(200);
    await provider.revoke(issuer, token);
    expectInvalidToken(await call(token));
  });

  it('401 for a refresh token and an ID token', async () => {
    const { issuer = '' } = configured(POST);
    const { refreshToken, idToken } = await provider.signIn(issuer);
    await boot(configured(POST));
    expectInvalidToken(await call(refreshToken));
    expectInvalidToken(await call(idToken));
    await app.close();
    await boot(configured(POST, { introspectJwtTokens: true }));
    expectInvalidToken(await call(idToken));
    expect(faults()).toEqual([]);
  });

  it('believes answers that oidc-provider signs, where the application asks for them', async () => {
    const types: (string | null)[] = [];
    const fetcher: AuthModuleOptions['fetcher'] = async (url, init) => {
      if (!url.endsWith('/introspection')) return fetch(url, init);
      const headers = new Headers(init.headers);
      headers.set('accept', 'application/token-introspection+jwt');
      const response = await fetch(url, { ...init, headers });
      types.push(response.headers.get('content-type'));
      return response;
    };
    const options = configured(POST, { clientId: 'signed-answers', fetcher });
    const { issuer = '' } = options;
    await boot(options);
    const token = await provider.token(issuer);
    await expectAccepted(options);
    expect((await call(token)).status).toBe(200);
    expect(types[0]).toContain('application/token-introspection+jwt');
    await provider.revoke(issuer, token);
    expectInvalidToken(await call(token));
  });
});

afterAll(() => rmSync(files, { recursive: true, force: true }));

describe.each(PLATFORMS)('client authentication at other providers, on %s', (platform) => {
  let server: AuthorizationServer;
  let app: TestApp;
  const token = keepSecret('an-opaque-token-of-this-test');

  const boot = async (options: AuthModuleOptions): Promise<void> => {
    app = await bootApp(
      { issuer: server.issuer, audience: AUDIENCE, ...options },
      { platform, controllers: [ThingsController] },
    );
  };
  afterEach(async () => {
    await app.close();
    await server.close();
  });

  it('form-encodes what Basic carries, as UTF-8 (RFC 6749 section 2.3.1)', async () => {
    server = await AuthorizationServer.start();
    const clientId = 'café:%+ é&=/';
    const clientSecret = keepSecret('sécret:%+ é&=/€ of the api');
    let authorization = '';
    server.answer('/introspect', (request, response) => {
      authorization = String(request.headers.authorization);
      sendJson(response, { active: true, aud: AUDIENCE });
    });
    await boot({ clientId, clientSecret, clientAuthMethod: 'client_secret_basic' });
    expect((await app.get('/things', bearer(token))).status).toBe(200);
    const pair = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString('latin1');
    expect(pair).toMatch(/^[\w.*%+-]+:[\w.*%+-]+$/);
    const decoded = pair.split(':').map((part) => new URLSearchParams(`x=${part}`).get('x'));
    expect(decoded).toEqual([clientId, clientSecret]);
  });

  it('sends an id and a secret of any characters in the body', async () => {
    server = await AuthorizationServer.start();
    const clientId = 'café:%+ é&=/';
    const clientSecret = keepSecret('sécret:%+ é&=/€ of the api');
    server.introspected.set(token, { active: true, aud: AUDIENCE });
    await boot({ clientId, clientSecret });
    expect((await app.get('/things', bearer(token))).status).toBe(200);
    const [asked] = server.introspections;
    expect([asked?.get('client_id'), asked?.get('client_secret')]).toEqual([clientId, clientSecret]);
  });

  it('500 with a certificate, but neither an alias nor an endpoint to show it at', async () => {
    server = await AuthorizationServer.start({ metadata: { introspection_endpoint: undefined } });
    await boot({ clientId: 'the-api', clientAuthMethod: 'tls_client_auth', ...presenting(issued) });
    const answer = await app.get('/things', bearer(token));
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([500, undefined]);
    expect(faults()).toEqual([
      expect.stringContaining(
        'introspectionEndpoint: the metadata of the issuer has neither mtls_endpoint_aliases.introspection_endpoint nor introspection_endpoint',
      ),
    ]);
  });
});
