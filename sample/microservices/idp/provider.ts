/** How does the authorization server behave? It issues JWTs, some of which do not live long. */
import { randomBytes } from 'node:crypto';
import { errors, Provider, type Configuration } from 'oidc-provider';
import { generateSigningKeys } from '#support/idp/keys.js';
import { createMemoryAdapter } from '#support/idp/memory-adapter.js';
import { clients, lifetimeOf, SCOPE } from './clients.js';
import { ORDERS } from './resources.js';

const configuration: Configuration = {
  adapter: createMemoryAdapter,
  jwks: generateSigningKeys(),
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  clients,
  scopes: SCOPE.split(' '),
  clientBasedCORS: () => false,
  responseTypes: [],
  ttl: { ClientCredentials: (_ctx, _token, client) => lifetimeOf(client.clientId) },
  // A program that asks for itself is the subject of its token (RFC 9068 section 2.2).
  extraTokenClaims: (_ctx, token) => ({ sub: token.clientId }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource, client) => {
        if (resource !== ORDERS) throw new errors.InvalidTarget('there is no such API');
        return {
          audience: ORDERS,
          scope: SCOPE,
          accessTokenTTL: lifetimeOf(client.clientId),
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
