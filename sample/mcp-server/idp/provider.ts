/** How does the authorization server behave? Programs register themselves (RFC 7591); tokens are for one API (RFC 8707). */
import { randomBytes } from 'node:crypto';
import { errors, Provider, type AdapterFactory, type Configuration } from 'oidc-provider';
import { generateSigningKeys } from '#support/idp/keys.js';
import { createMemoryAdapter } from '#support/idp/memory-adapter.js';
import { ORDERS, SCOPES } from './resources.js';
import { users } from './users.js';

const HOUR = 60 * 60;

/**
 * Programs register with the scopes of their first request, and ask for more later: what they may have is for the person to
 * say.
 */
const createAdapter: AdapterFactory = (name) => {
  const adapter = createMemoryAdapter(name);
  if (name !== 'Client') return adapter;
  return { ...adapter, upsert: (id, { scope: _, ...client }, ttl) => adapter.upsert(id, client, ttl) };
};

const configuration: Configuration = {
  adapter: createAdapter,
  jwks: generateSigningKeys(),
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  clientBasedCORS: () => false,
  responseTypes: ['code'],
  pkce: { required: () => true },
  scopes: ['openid', 'offline_access', ...SCOPES],
  interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
  findAccount: (_ctx, id) =>
    users.some((user) => user.id === id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined,
  ttl: { AccessToken: HOUR, Grant: HOUR, Interaction: HOUR, Session: HOUR },
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => {
        if (resource !== ORDERS) throw new errors.InvalidTarget('there is no such API');
        return {
          audience: ORDERS,
          scope: SCOPES.join(' '),
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
