/**
 * oidc-provider in a process of its own, with introspection, token exchange and every way for a client to say who it is: one behind
 * http, one behind https with a second port for clients with a certificate, which nobody else gets past.
 *
 * Told once over IPC: { clients, tls: { cert, key, ca } }. Says { plain, secure, mtls }: two issuers, and the origin of
 * the second port. Prints nothing.
 */
import { randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { errors, Provider } from 'oidc-provider';
import { generateKeys } from '../support/generate-keys.js';

const AUDIENCE = 'https://api.example.com';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** Gives out what a user's sign-in does, without the user. */
const SIGN_IN = 'urn:example:sign-in';

const jwks = {
  keys: [
    ['RS256', generateKeys('rsa', { modulusLength: 2048 })],
    ['ES256', generateKeys('ec', { namedCurve: 'P-256' })],
  ].map(([alg, { privateKey }]) => ({ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid: alg })),
};

const certificateOf = ({ req }) => {
  const { raw } = req.socket.getPeerCertificate?.() ?? {};
  return raw && new X509Certificate(raw);
};

function subjectMatches(ctx, property, expected) {
  const { subject, subjectAltName = '' } = certificateOf(ctx);
  if (property === 'tls_client_auth_subject_dn') return subject === expected;
  return property === 'tls_client_auth_san_dns' && subjectAltName.split(', ').includes(`DNS:${expected}`);
}

function makeProvider(issuer, clients, discovery = {}) {
  const provider = new Provider(issuer, {
    jwks,
    cookies: { keys: [randomUUID()] },
    clients,
    discovery,
    clientAuthMethods: [
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      'tls_client_auth',
      'self_signed_tls_client_auth',
      'none',
    ],
    enabledJWA: {
      clientAuthSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA'],
      introspectionSigningAlgValues: ['RS256', 'ES256'],
    },
    extraTokenClaims: ({ oidc }) => ({
      groups: ['staff'],
      ...(oidc.params.grant_type === EXCHANGE && { act: { sub: oidc.client.clientId } }),
    }),
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      jwtIntrospection: { enabled: true },
      revocation: { enabled: true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: (_ctx, resource) => ({
          audience: resource,
          scope: 'read:things',
          accessTokenFormat: 'opaque',
          accessTokenTTL: 600,
        }),
      },
      mTLS: {
        enabled: true,
        getCertificate: certificateOf,
        certificateAuthorized: ({ req }) => req.socket.authorized,
        certificateSubjectMatches: subjectMatches,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: true,
      },
    },
  });
  provider.registerGrantType(SIGN_IN, async (ctx) => {
    const { client } = ctx.oidc;
    const account = { clientId: client.clientId, accountId: 'ann' };
    const grant = new provider.Grant(account);
    grant.addOIDCScope('openid offline_access');
    const grantId = await grant.save();
    const scope = 'openid offline_access';
    const refresh = new provider.RefreshToken({ client, grantId, scope, gty: SIGN_IN, ...account });
    const id = new provider.IdToken({ sub: 'ann' }, { ctx });
    id.scope = 'openid';
    ctx.body = { refresh_token: await refresh.save(), id_token: await id.issue({ use: 'idtoken' }) };
  });
  // RFC 8693, for callers that are programs.
  provider.registerGrantType(
    EXCHANGE,
    async (ctx) => {
      const { client, params } = ctx.oidc;
      const { subject_token: value, subject_token_type: type, resource, scope } = params;
      const subject = type === ACCESS_TOKEN ? await provider.ClientCredentials.find(value) : undefined;
      if (subject?.aud !== AUDIENCE) throw new errors.InvalidGrant('the subject token is not good');
      if (scope === 'step:up')
        throw new errors.CustomOIDCProviderError('interaction_required', 'sign in again');
      const token = new provider.ClientCredentials({
        client: await provider.Client.find(subject.clientId),
        scope,
      });
      token.resourceServer = new provider.ResourceServer(resource, {
        audience: resource,
        scope: 'read:things',
        accessTokenFormat: 'opaque',
        accessTokenTTL: 600,
      });
      ctx.body = {
        access_token: await token.save(),
        issued_token_type: ACCESS_TOKEN,
        token_type: 'Bearer',
        expires_in: token.expiration,
        for: client.clientId,
      };
    },
    ['resource', 'scope', 'subject_token', 'subject_token_type'],
  );
  provider.on('server_error', (_ctx, error) => process.stderr.write(`${error.stack}\n`));
  return provider.callback();
}

const listen = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

process.once('message', async ({ clients, tls }) => {
  const plain = createServer();
  const secure = createTlsServer(tls);
  const mtls = createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: false });
  const [plainPort, securePort, mtlsPort] = await Promise.all([plain, secure, mtls].map(listen));
  const origins = {
    plain: `http://127.0.0.1:${plainPort}`,
    secure: `https://127.0.0.1:${securePort}`,
    mtls: `https://127.0.0.1:${mtlsPort}`,
  };

  plain.on('request', makeProvider(origins.plain, clients));
  const handle = makeProvider(origins.secure, clients, {
    mtls_endpoint_aliases: {
      introspection_endpoint: `${origins.mtls}/token/introspection`,
      token_endpoint: `${origins.mtls}/token`,
    },
  });
  secure.on('request', handle);
  mtls.on('request', (request, response) => {
    if (certificateOf({ req: request })) return handle(request, response);
    return response.writeHead(400).end('no certificate');
  });
  process.send(origins);
});
process.on('disconnect', () => process.exit());
