/** How does the authorization server behave? Its configuration: resources, clients, people, token formats, lifetimes. */
import { randomBytes } from 'node:crypto';
import {
  errors,
  interactionPolicy,
  Provider,
  type Configuration,
  type JWKS,
  type ResourceServer,
} from 'oidc-provider';
import { generateSigningKeys } from '#support/idp/keys.js';
import { createMemoryAdapter } from '#support/idp/memory-adapter.js';
import { allowScopes, clients, invoiceApi, lateCourier, TOKEN_EXCHANGE } from './clients.js';
import { renderLogout, renderMessage } from './pages.js';
import { BY_PASSWORD, INVOICES, scopesByResource, WITH_CODE } from './resources.js';
import { registerTokenExchange } from './token-exchange.js';
import { findUser } from './users.js';

export interface ProviderOptions {
  /** How long access tokens live, in seconds. */
  readonly tokenTtl: number;
  /** Tokens for the Invoice API: JWTs, or opaque ones that it has to introspect. */
  readonly invoiceTokens: 'jwt' | 'opaque';
}

const DAY = 24 * 60 * 60;

function describeResource(resource: string, clientId: string, options: ProviderOptions): ResourceServer {
  const scopes = scopesByResource.get(resource);
  if (!scopes) throw new errors.InvalidTarget('there is no such API');
  const isInvoices = resource === INVOICES;
  return {
    audience: resource,
    scope: allowScopes(clientId, scopes).join(' '),
    accessTokenTTL: options.tokenTtl,
    accessTokenFormat: isInvoices ? options.invoiceTokens : 'jwt',
    jwt: { sign: { alg: isInvoices ? 'ES256' : 'RS256' } },
  };
}

/** oidc-provider supports `max_age` by itself. This check enforces `acr_values`, which it takes for a preference otherwise. */
function signInPolicy() {
  const { base, Check } = interactionPolicy;
  const policy = base();
  const isMet = new Check('acr_values', 'a stronger sign-in is requested', ({ oidc }) => {
    const requested = oidc.params?.['acr_values'];
    if (typeof requested !== 'string' || requested === '') return Check.NO_NEED_TO_PROMPT;
    return requested.split(' ').includes(oidc.acr ?? '') ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
  });
  policy.get('login')?.checks.add(isMet);
  return policy;
}

function configure(options: ProviderOptions, jwks: JWKS): Configuration {
  return {
    adapter: createMemoryAdapter,
    jwks,
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    clients,
    clientBasedCORS: () => false,
    responseTypes: ['code'],
    pkce: { required: () => true },
    // Name and groups also in the ID token, so that a front end need not ask for them once more.
    conformIdTokenClaims: false,
    // A refresh token is good once: who uses a stolen one is found out (RFC 9700, section 4.14.2).
    rotateRefreshToken: true,
    // Sign-outs are told to this machine; the provider's own dispatcher refuses such addresses, and is right elsewhere.
    fetch: (url, request) => {
      const { dispatcher: _refusing, ...others }: RequestInit = request ?? {};
      return globalThis.fetch(url, others);
    },
    claims: { openid: ['sub'], profile: ['name'], groups: ['groups'] },
    scopes: ['openid', 'offline_access', 'profile', 'groups'],
    acrValues: [BY_PASSWORD, WITH_CODE],
    interactions: { policy: signInPolicy(), url: (_ctx, { uid }) => `/interaction/${uid}` },
    // A front end needs one token per API, and gets the second one with the refresh token.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    ttl: {
      AccessToken: options.tokenTtl,
      ClientCredentials: options.tokenTtl,
      IdToken: 60 * 60,
      Interaction: 60 * 60,
      RefreshToken: DAY,
      Session: DAY,
      Grant: DAY,
    },
    findAccount: (_ctx, id) => {
      const user = findUser(id);
      return user && { accountId: id, claims: () => ({ sub: id, name: user.name, groups: user.groups }) };
    },
    // A person's access token says which groups the person is in, and which session it belongs to; a program's has neither.
    // An exchanged one also says who acts for that person (RFC 8693 section 4.1).
    extraTokenClaims: (ctx, token) => {
      if (!('accountId' in token)) return undefined;
      const user = findUser(token.accountId);
      const isExchanged = ctx.oidc.params?.['grant_type'] === TOKEN_EXCHANGE;
      const act = isExchanged && { act: { sub: token.clientId } };
      // How and when the person signed in (RFC 9470 section 6.2): a renewed token does not make that any later.
      const { AuthorizationCode, RefreshToken } = ctx.oidc.entities;
      const { acr, authTime: auth_time } = AuthorizationCode ?? RefreshToken ?? {};
      return user && { groups: user.groups, sid: token.sid, acr, auth_time, ...act };
    },
    formats: {
      customizers: {
        jwt: (_ctx, token, { payload }) => {
          if (token.clientId !== lateCourier.id) return;
          // Issued a day ago, as far as the token says, and expired for as long: past any clock tolerance.
          payload.iat = Number(payload.iat) - DAY - options.tokenTtl;
          payload.exp = Number(payload.exp) - DAY - options.tokenTtl;
        },
      },
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      // An API learns only about tokens that were issued for it.
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) =>
          client.clientId === invoiceApi.id && 'aud' in token && token.aud === INVOICES,
      },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource, client) =>
          describeResource(resource, client.clientId, options),
      },
      // A sign-out is told to the programs whose session it ends.
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = renderLogout(form);
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = renderMessage('Signed out', 'You can close this page.');
        },
      },
    },
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = renderMessage('That did not work', `${out.error}: ${out.error_description ?? ''}`);
    },
  };
}

export function createProvider(issuer: string, options: ProviderOptions): Provider {
  const jwks = generateSigningKeys();
  const provider = new Provider(issuer, configure(options, jwks));
  registerTokenExchange(provider, jwks, (resource, clientId) =>
    describeResource(resource, clientId, options),
  );
  return provider;
}
