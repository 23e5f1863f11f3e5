/** Tokens that oidc-provider has bound to a client certificate (RFC 8705 section 3): good with it, and with no other. */
import { Controller, Get } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AuthModule, CertBound, Claims } from 'nestjs-resource-server';
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:https';
import type { ClientMetadata } from 'oidc-provider';
import { PLATFORMS } from '../support/app.js';
import { makeAuthority, type Certificate } from '../support/certificates.js';
import { refusals } from '../support/gate.js';
import { bearer } from '../support/http.js';
import { AUDIENCE, CLIENT_SECRET } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';
import { outputLogger } from '../support/output-logger.js';
import { fetchOver, RealProvider } from './real-provider.js';

@Controller()
class ThingsController {
  @Get('things') list(@Claims() claims: unknown): unknown {
    return claims;
  }
  @Get('bound') @CertBound() bound(@Claims() claims: unknown): unknown {
    return claims;
  }
}

const PATHS = ['/things', '/bound'] as const;
/** The provider's other resource: the same API by another name, with JWTs. */
const JWT_AUDIENCE = 'https://api.example.com/jwt';

const authority = await makeAuthority('The authority of everybody');
const server = await authority.issue({ commonName: 'The API', san: ['127.0.0.1'] });
const own = await authority.issue({ commonName: 'The client' });
const stranger = await authority.issue({ commonName: 'Another client' });

const client = (id: string, isBound: boolean): ClientMetadata => ({
  client_id: id,
  client_secret: CLIENT_SECRET,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  tls_client_certificate_bound_access_tokens: isBound,
});
const CLIENTS = [client('bound', true), client('unbound', false)];

describe.each(PLATFORMS)('certificate-bound tokens of oidc-provider, on %s', (platform) => {
  let provider: RealProvider;
  let origin: string;
  let close: () => Promise<void>;

  beforeAll(async () => {
    provider = await RealProvider.start(CLIENTS, authority.cert);
    const module = await Test.createTestingModule({
      imports: [
        AuthModule.forRoot({
          issuer: provider.issuer,
          audience: [AUDIENCE, JWT_AUDIENCE],
          providerCa: provider.ca,
          clientId: 'unbound',
          clientSecret: CLIENT_SECRET,
          clientAuthMethod: 'client_secret_basic',
        }),
      ],
      controllers: [ThingsController],
    })
      .setLogger(outputLogger)
      .compile();
    const tls = { cert: server.cert, key: server.key, requestCert: true, rejectUnauthorized: false };
    const nest =
      platform === 'Express'
        ? module.createNestApplication(new ExpressAdapter(), { httpsOptions: tls })
        : module.createNestApplication(new FastifyAdapter({ https: tls }));
    await nest.listen(0, '127.0.0.1');
    const listening = nest.getHttpServer() as Server;
    // A test that fails before it closes must not keep the run from ending.
    listening.unref();
    origin = `https://127.0.0.1:${(listening.address() as AddressInfo).port}`;
    close = () => {
      listening.closeAllConnections();
      return nest.close();
    };
  });
  afterAll(async () => {
    provider.stop();
    await close();
  });

  const connection = (ca: string, certificate?: Certificate) =>
    fetchOver({ ca, ...(certificate && { cert: certificate.cert, key: certificate.key }) });

  const askForToken = (clientId: string, resource: string, certificate?: Certificate): Promise<Response> => {
    const credentials = Buffer.from(`${clientId}:${CLIENT_SECRET}`).toString('base64');
    return connection(provider.ca, certificate)(`${provider.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'read:things', resource }),
    });
  };
  const tokenOf = async (...parameters: Parameters<typeof askForToken>): Promise<string> => {
    const { access_token } = (await (await askForToken(...parameters)).json()) as { access_token: string };
    return keepSecret(access_token);
  };
  const call = (path: string, token: string, certificate?: Certificate): Promise<Response> =>
    connection(authority.cert, certificate)(origin + path, { headers: bearer(token) });

  describe.each([
    ['JWTs', JWT_AUDIENCE, 3],
    ['opaque tokens', AUDIENCE, 1],
  ])('%s', (_, resource, parts) => {
    it('are accepted with their certificate and refused with another, or with none', async () => {
      const token = await tokenOf('bound', resource, own);
      expect(token.split('.')).toHaveLength(parts);
      const thumbprint = createHash('sha256').update(own.der).digest('base64url');
      // Fresh and remembered.
      for (const path of [...PATHS, ...PATHS]) {
        const answer = await call(path, token, own);
        expect([answer.status, await answer.json()]).toMatchObject([
          200,
          { client_id: 'bound', aud: resource, cnf: { 'x5t#S256': thumbprint } },
        ]);
        for (const other of [stranger, undefined]) {
          const refused = await call(path, token, other);
          expect(refused.status).toBe(401);
          expect(refused.headers.get('www-authenticate')).toContain('Bearer error="invalid_token"');
        }
      }
      expect(new Set(refusals().map(({ outcome }) => outcome))).toEqual(new Set(['401 invalid_token']));
      expect(refusals()).toHaveLength(8);
    });

    it('belong to whoever asked for them: the other client, with its own', async () => {
      const token = await tokenOf('bound', resource, stranger);
      expect([
        (await call('/bound', token, stranger)).status,
        (await call('/bound', token, own)).status,
      ]).toEqual([200, 401]);
    });

    it('are refused at @CertBound() when they are bound to nothing, whatever the caller shows', async () => {
      const token = await tokenOf('unbound', resource, own);
      const statuses = async (certificate?: Certificate): Promise<number[]> => [
        (await call('/things', token, certificate)).status,
        (await call('/bound', token, certificate)).status,
      ];
      expect([await statuses(own), await statuses()]).toEqual([
        [200, 401],
        [200, 401],
      ]);
    });

    it('are not issued without a certificate to bind them to', async () => {
      const answer = await askForToken('bound', resource);
      expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'invalid_grant' }]);
    });
  });
});
