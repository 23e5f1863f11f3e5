/** How does the authorization server behave? It issues JWTs, bound to the key whose proof came with the request. */
import { randomBytes } from 'node:crypto';
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
    // It asks for nonces of its own; those of the API are others (RFC 9449 section 9).
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
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
