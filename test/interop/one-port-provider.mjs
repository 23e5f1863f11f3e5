/**
 * oidc-provider in a process of its own, as small installations have it: one https port, which takes client
 * certificates but does not insist, and no mtls_endpoint_aliases. Users can sign in; access tokens are opaque, but for
 * those of a second resource, and bound to the certificate of clients that are registered so. Told once over IPC:
 * { cert, key, ca, clients }. Says { issuer } when it listens. Prints nothing.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { Provider } from 'oidc-provider';
import { generateKeys } from '../support/generate-keys.js';

const AUDIENCE = 'https://api.example.com';
const JWT_AUDIENCE = 'https://api.example.com/jwt';

const certificateOf = ({ req }) => req.socket.getPeerX509Certificate();

/** Ann signs in and agrees to everything. */
async function signIn(provider, request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: 'ann', clientId: params.client_id });
  grant.addOIDCScope('openid offline_access');
  grant.addResourceScope(AUDIENCE, 'read:things');
  const consent = { grantId: await grant.save() };
  await provider.interactionFinished(request, response, { login: { accountId: 'ann' }, consent });
}

const [{ cert, key, ca, clients }] = await once(process, 'message');
const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `https://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients,
  cookies: { keys: [randomUUID()] },
  // Without alg, so that each serves every algorithm of its kind.
  jwks: {
    keys: [
      generateKeys('rsa', { modulusLength: 2048 }),
      generateKeys('ec', { namedCurve: 'P-256' }),
      generateKeys('ed25519'),
    ].map(({ privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: randomUUID() })),
  },
  clientAuthMethods: [
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'private_key_jwt',
    'tls_client_auth',
  ],
  enabledJWA: {
    introspectionSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'],
  },
  findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
  issueRefreshToken: () => true,
  pkce: { required: () => false },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    jwtIntrospection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => AUDIENCE,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => ({
        audience: resource,
        scope: 'read:things',
        accessTokenFormat: resource === JWT_AUDIENCE ? 'jwt' : 'opaque',
        accessTokenTTL: 600,
      }),
    },
    mTLS: {
      enabled: true,
      tlsClientAuth: true,
      certificateBoundAccessTokens: true,
      getCertificate: certificateOf,
      certificateAuthorized: ({ req }) => req.socket.authorized,
      certificateSubjectMatches: (ctx, property, expected) =>
        property === 'tls_client_auth_subject_dn' && certificateOf(ctx).subject === expected,
    },
  },
});
provider.on('server_error', (_ctx, error) => process.stderr.write(`${error.stack}\n`));

const handle = provider.callback();
server.on('request', (request, response) => {
  if (request.url.startsWith('/interaction/')) return signIn(provider, request, response);
  return handle(request, response);
});
process.on('disconnect', () => process.exit());
process.send({ issuer });
