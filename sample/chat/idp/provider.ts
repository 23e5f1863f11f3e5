/** How does the authorization server behave? It signs people in for a page, and renews their tokens, which do not live long. */
import { randomBytes } from 'node:crypto';
import { errors, Provider, type Configuration } from 'oidc-provider';
import { generateSigningKeys } from '#support/idp/keys.js';
import { createMemoryAdapter } from '#support/idp/memory-adapter.js';
import { describeClients, KIOSK, KIOSK_LIFETIME } from './clients.js';
import { CHAT, SCOPES } from './resources.js';
import { users } from './users.js';

const HOUR = 60 * 60;

export interface Settings {
  readonly issuer: string;
  /** Where the page is. It asks the token endpoint from there (CORS). */
  readonly pageOrigin: string;
  /** Of the page's tokens, in seconds. */
  readonly lifetime: number;
}

function configure({ pageOrigin, lifetime }: Settings): Configuration {
  return {
    adapter: createMemoryAdapter,
    jwks: generateSigningKeys(),
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    clients: describeClients(`${pageOrigin}/`),
    clientBasedCORS: (_ctx, origin) => origin === pageOrigin,
    responseTypes: ['code'],
    pkce: { required: () => true },
    scopes: ['openid', ...SCOPES],
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: (_ctx, id) =>
      users.some((user) => user.id === id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined,
    // Nobody is asked for consent: what a person may do is granted.
    loadExistingGrant: async ({ oidc }) => {
      const { client, session } = oidc;
      const user = users.find(({ id }) => id === session?.accountId);
      if (!client || !user) return undefined;
      const grant = new oidc.provider.Grant({ accountId: user.id, clientId: client.clientId });
      grant.addOIDCScope(['openid', ...SCOPES].join(' '));
      grant.addResourceScope(CHAT, user.scopes.join(' '));
      grant.rejectResourceScope(CHAT, SCOPES.filter((scope) => !user.scopes.includes(scope)).join(' '));
      await grant.save();
      return grant;
    },
    issueRefreshToken: async () => true,
    ttl: { Grant: 8 * HOUR, Interaction: HOUR, RefreshToken: 8 * HOUR, Session: 8 * HOUR },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource, { clientId }) => {
          if (resource !== CHAT) throw new errors.InvalidTarget('there is no such API');
          return {
            audience: CHAT,
            scope: SCOPES.join(' '),
            accessTokenTTL: clientId === KIOSK ? KIOSK_LIFETIME : lifetime,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
  };
}

export function createProvider(settings: Settings): Provider {
  return new Provider(settings.issuer, configure(settings));
}
