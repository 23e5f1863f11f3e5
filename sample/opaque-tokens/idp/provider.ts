/** How does the authorization server behave? It issues opaque tokens, answers what they are, and takes them back. */
import { randomBytes } from 'node:crypto';
import { errors, Provider, type Configuration } from 'oidc-provider';
import { generateSigningKeys } from '#support/idp/keys.js';
import { createMemoryAdapter } from '#support/idp/memory-adapter.js';
import { clients, paymentApi, scopesOf } from './clients.js';
import { PAYMENTS } from './resources.js';

const HOUR = 60 * 60;

const configuration: Configuration = {
  adapter: createMemoryAdapter,
  jwks: generateSigningKeys(),
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  clients,
  clientBasedCORS: () => false,
  responseTypes: [],
  ttl: { ClientCredentials: HOUR },
  // A program that asks for itself is the subject of its token, as RFC 9068 section 2.2 has it for JWTs.
  extraTokenClaims: (_ctx, token) => ({ sub: token.clientId }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    // An API learns only about tokens that were issued for it.
    introspection: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) =>
        client.clientId === paymentApi.id && 'aud' in token && token.aud === PAYMENTS,
    },
    revocation: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource, client) => {
        if (resource !== PAYMENTS) throw new errors.InvalidTarget('there is no such API');
        return {
          audience: PAYMENTS,
          scope: scopesOf(client.clientId).join(' '),
          accessTokenTTL: HOUR,
          accessTokenFormat: 'opaque',
        };
      },
    },
  },
};

export function createProvider(issuer: string): Provider {
  return new Provider(issuer, configuration);
}
