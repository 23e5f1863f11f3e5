/** What oidc-provider says of tokens of every kind, in JSON and signed (RFC 7662, RFC 9701); and to whom it says it. */
import { Controller, Get } from '@nestjs/common';
import { Claims, type AuthModuleOptions } from 'nestjs-resource-server';
import { createPrivateKey } from 'node:crypto';
import type { JWK } from 'jose';
import type { ClientMetadata } from 'oidc-provider';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { makeAuthority } from '../support/certificates.js';
import { expectInvalidToken, refusals } from '../support/gate.js';
import { bearer, type Answer } from '../support/http.js';
import { AUDIENCE, CLIENT_SECRET } from '../support/issuer.js';
import { keepSecret, loggedLines } from '../support/no-secrets-in-output.js';
import { makeKey } from '../support/tokens.js';
import { CALLER_ID, fetchOver, RealProvider, type SignedIn } from './real-provider.js';

@Controller()
class ThingsController {
  @Get('things') list(@Claims() claims: unknown): unknown {
    return claims;
  }
}

const SIGNED_WITH = ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA'];
const SIGNED = 'application/token-introspection+jwt';

const authority = await makeAuthority('The authority of the clients');
const certificate = await authority.issue({ commonName: 'the-api' });
const byCertificate: AuthModuleOptions = {
  clientId: 'by-certificate',
  clientSecret: undefined,
  clientAuthMethod: 'tls_client_auth',
  clientCertificate: certificate.cert,
  clientCertificateKey: certificate.key,
};
const encryptedKey = createPrivateKey(certificate.key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'a passphrase' })
  .toString();

const key = makeKey('ES256', 'of-the-api');
const privateKey = { ...key.privateKey.export({ format: 'jwk' }), kid: key.kid } as JWK;
keepSecret(privateKey.d ?? '');

const client = (id: string, metadata: Record<string, unknown> = {}): ClientMetadata => ({
  client_id: id,
  client_secret: CLIENT_SECRET,
  token_endpoint_auth_method: 'client_secret_post',
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  ...metadata,
});

const CLIENTS = [
  client('the-api'),
  client('by-secret', { token_endpoint_auth_method: 'client_secret_jwt' }),
  client('by-key', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] } }),
  client('by-certificate', {
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: 'CN=the-api',
  }),
  ...[...SIGNED_WITH, 'HS256'].map((alg) => client(alg, { introspection_signed_response_alg: alg })),
];

describe.each(PLATFORMS)('introspection at oidc-provider, on %s', (platform) => {
  let provider: RealProvider;
  let tokens: SignedIn;
  let app: TestApp;

  /** Nothing is remembered: every call is one to the provider. */
  const boot = async (options: AuthModuleOptions): Promise<void> => {
    app = await bootApp(
      {
        issuer: provider.issuer,
        audience: AUDIENCE,
        providerCa: provider.ca,
        clientId: 'the-api',
        clientSecret: CLIENT_SECRET,
        introspectionCacheDuration: 0,
        ...options,
      },
      { platform, controllers: [ThingsController] },
    );
  };
  const call = (token: string): Promise<Answer> => app.get('/things', bearer(token));
  const status = async (): Promise<number> => (await call(await provider.accessToken())).status;

  beforeAll(async () => {
    provider = await RealProvider.start(CLIENTS, authority.cert);
    tokens = await provider.signIn();
  });
  afterEach(() => app.close());
  afterAll(() => provider.stop());

  describe('when Ann has signed in', () => {
    it('takes the access token', async () => {
      await boot({});
      expect(await call(tokens.accessToken)).toMatchObject({
        status: 200,
        body: { sub: 'ann', client_id: CALLER_ID, scope: 'read:things', token_type: 'Bearer' },
      });
    });

    it('refuses the refresh token, which the provider calls active', async () => {
      await boot({});
      expectInvalidToken(await call(tokens.refreshToken));
      expect(refusals()).toEqual([
        { outcome: '401 invalid_token', reason: expect.stringContaining('has no aud') as unknown },
      ]);
    });

    it('refuses the ID token, also where its audience is one of the API', async () => {
      await boot({ audience: [AUDIENCE, CALLER_ID] });
      expectInvalidToken(await call(tokens.idToken));
      expect(refusals()).toEqual([
        { outcome: '401 invalid_token', reason: expect.stringContaining('ID token') as unknown },
      ]);
    });

    it('refuses every JWT where these are to be introspected, which this provider does not do', async () => {
      await boot({ audience: [AUDIENCE, CALLER_ID], introspectJwtTokens: true });
      expectInvalidToken(await call(tokens.idToken));
      expectInvalidToken(await call(tokens.idToken));
      const hints = loggedLines().filter((line) =>
        line.includes('introspect this kind of token: check introspectJwtTokens'),
      );
      expect(hints).toHaveLength(1);
    });
  });

  describe('signed answers', () => {
    /** Asks for an answer of this type, and notes of which type it is. */
    const asking = (types: (string | null)[], accept?: string): AuthModuleOptions['fetcher'] => {
      return async (url, init) => {
        const headers = new Headers(init.headers);
        if (accept !== undefined && init.method === 'POST') headers.set('accept', accept);
        const answer = await provider.fetch(url, { ...init, headers: Object.fromEntries(headers) });
        if (init.method === 'POST') types.push(answer.headers.get('content-type'));
        return answer;
      };
    };

    it.each(SIGNED_WITH)('are believed with %s, good news or bad', async (alg) => {
      const types: (string | null)[] = [];
      await boot({ clientId: alg, fetcher: asking(types, SIGNED) });
      const token = await provider.accessToken();
      expect(await call(token)).toMatchObject({
        status: 200,
        body: { iss: provider.issuer, aud: AUDIENCE, client_id: CALLER_ID, scope: 'read:things' },
      });
      await provider.revoke(token);
      expectInvalidToken(await call(token));
      expect(refusals()).toMatchObject([{ outcome: '401 inactive_token' }]);
      expect(types).toEqual([`${SIGNED}; charset=utf-8`, `${SIGNED}; charset=utf-8`]);
    });

    it('are 503 with HS256: a secret is no signature', async () => {
      await boot({ clientId: 'HS256', fetcher: asking([], SIGNED) });
      const answer = await call(await provider.accessToken());
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([503, undefined]);
      expect(refusals()[0]?.reason).toContain('alg "HS256" is not accepted');
    });

    it('are not what is asked for', async () => {
      const types: (string | null)[] = [];
      await boot({ clientId: 'ES256', fetcher: asking(types) });
      expect(await status()).toBe(200);
      expect(types).toEqual(['application/json; charset=utf-8']);
    });
  });

  describe('assertions', () => {
    const methods: AuthModuleOptions[] = [
      { clientId: 'by-secret', clientAuthMethod: 'client_secret_jwt' },
      { clientId: 'by-key', clientAuthMethod: 'private_key_jwt', clientSecret: privateKey },
    ];

    it.each(methods)(
      'of $clientAuthMethod are taken once, and made anew for every question',
      async (method) => {
        const questions: (readonly [string, RequestInit])[] = [];
        const fetcher: AuthModuleOptions['fetcher'] = (url, init) => {
          if (init.method === 'POST') questions.push([url, init]);
          return provider.fetch(url, init);
        };
        await boot({ ...method, fetcher });
        expect([await status(), await status()]).toEqual([200, 200]);
        for (const [url, { method: verb, headers, body }] of questions) {
          const again = await provider.fetch(url, { method: verb, headers, body } as RequestInit);
          expect([again.status, await again.json()]).toMatchObject([401, { error: 'invalid_client' }]);
        }
      },
    );
  });

  describe('certificates', () => {
    it('are shown at the endpoint itself where there is no alias for it', async () => {
      await boot(byCertificate);
      expect(await status()).toBe(200);
    });

    it('may be in PEM with CRLF', async () => {
      const { clientCertificate = '', clientCertificateKey = '' } = byCertificate;
      const withCrlf = (pem: string): string => pem.replaceAll('\n', '\r\n');
      await boot({
        ...byCertificate,
        clientCertificate: withCrlf(clientCertificate),
        clientCertificateKey: withCrlf(clientCertificateKey),
        providerCa: withCrlf(provider.ca),
      });
      expect(await status()).toBe(200);
    });

    it("may be brought by the application's own fetcher", async () => {
      const { clientId, clientAuthMethod } = byCertificate;
      const fetcher = fetchOver({ ca: provider.ca, cert: certificate.cert, key: certificate.key });
      await boot({ clientId, clientAuthMethod, clientSecret: undefined, providerCa: undefined, fetcher });
      expect(await status()).toBe(200);
    });

    it('do not start with a key that is encrypted', async () => {
      const starting = boot({ ...byCertificate, clientCertificateKey: encryptedKey });
      await expect(starting).rejects.toThrow('does not match clientCertificateKey');
    });
  });

  it('503 when the fetcher of the application gives up, and the log says why', async () => {
    const fetcher: AuthModuleOptions['fetcher'] = (url, init) =>
      init.method === 'POST'
        ? Promise.reject(new DOMException('waited long enough', 'TimeoutError'))
        : provider.fetch(url, init);
    await boot({ fetcher });
    expect(await status()).toBe(503);
    expect(refusals()[0]?.reason).toContain('waited long enough');
  });

  it.each([
    ['a client that is not known', { clientId: 'nobody' }, 'clientId'],
    ['another method than the registered one', { clientId: 'by-key' }, 'clientAuthMethod'],
  ])('500 as %s, and one line says where to look', async (_, options, hint) => {
    await boot(options);
    expect([await status(), await status()]).toEqual([500, 500]);
    const lines = loggedLines().filter((line) => line.startsWith('ThingsController.list: rejected'));
    expect(lines).toEqual([expect.stringContaining(hint)]);
  });
});
