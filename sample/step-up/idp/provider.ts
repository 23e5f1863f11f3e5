/** How does the authorization server behave? It signs people in again, and more strongly, where a client asks for that. */
import { randomBytes } from 'node:crypto';
import { errors, interactionPolicy, Provider, type Configuration } from 'oidc-provider';
import { generateSigningKeys } from '#support/idp/keys.js';
import { createMemoryAdapter } from '#support/idp/memory-adapter.js';
import { BANK, OTP, PASSWORD, SCOPES } from './resources.js';
import { ann } from './users.js';

const HOUR = 60 * 60;
const { base, Check } = interactionPolicy;

/** oidc-provider knows `max_age`; `acr_values` are wishes to it, until a check makes them a condition. */
function signInPolicy() {
  const policy = base();
  const isMet = new Check('acr_values', 'a stronger sign-in is asked for', ({ oidc }) => {
    const asked = oidc.params?.acr_values;
    if (typeof asked !== 'string' || asked === '') return Check.NO_NEED_TO_PROMPT;
    return asked.split(' ').includes(oidc.acr ?? '') ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
  });
  policy.get('login')?.checks.add(isMet);
  return policy;
}

const configuration: Configuration = {
  adapter: createMemoryAdapter,
  jwks: generateSigningKeys(),
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  clients: [
    {
      client_id: 'bank-app',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://localhost:4062/callback'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  clientBasedCORS: () => false,
  responseTypes: ['code'],
  pkce: { required: () => true },
  scopes: ['openid', ...SCOPES],
  acrValues: [PASSWORD, OTP],
  interactions: { policy: signInPolicy(), url: (_ctx, { uid }) => `/interaction/${uid}` },
  findAccount: (_ctx, id) => (id === ann.id ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
  ttl: { AccessToken: HOUR, Grant: HOUR, Interaction: HOUR, Session: HOUR },
  /** What an API needs to know of the sign-in (RFC 9470 section 6.2). */
  extraTokenClaims: ({ oidc }) => {
    const code = oidc.entities.AuthorizationCode;
    return code && { acr: code.acr, amr: code.amr, auth_time: code.authTime };
  },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => {
        if (resource.replace(/\/$/, '') !== BANK) throw new errors.InvalidTarget('there is no such API');
        return {
          audience: BANK,
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
