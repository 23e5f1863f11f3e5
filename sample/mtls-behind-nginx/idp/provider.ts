/** How does the authorization server behave? It issues JWTs, bound to the certificate of the connection they went over. */
import { randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { errors, Provider, type Configuration } from 'oidc-provider';
import { generateSigningKeys } from '#support/idp/keys.js';
import { createMemoryAdapter } from '#support/idp/memory-adapter.js';
import { clients, SCOPE } from './clients.js';
import { ORDERS } from './resources.js';

const HOUR = 60 * 60;

const configuration: Configuration = {
  adapter: createMemoryAdapter,
  jwks: generateSigningKeys(),
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  clients,
  clientBasedCORS: () => false,
  responseTypes: [],
  ttl: { ClientCredentials: HOUR },
  // A program that asks for itself is the subject of its token (RFC 9068 section 2.2).
  extraTokenClaims: (_ctx, token) => ({ sub: token.clientId }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    // TLS ends in this process, so the connection knows the certificate.
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      getCertificate: ({ req }) => (req.socket as TLSSocket).getPeerX509Certificate(),
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource) => {
        if (resource !== ORDERS) throw new errors.InvalidTarget('there is no such API');
        return {
          audience: ORDERS,
          scope: SCOPE,
          accessTokenTTL: HOUR,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        };
      },
    },
  },
};

export function createProvider(issuer: string): Provider {
  return new Provider(issuer, configuration);
}
