/** Which programs may ask for tokens, and with which scopes at most? Demo secrets, in the open on purpose. */
import type { ClientMetadata } from 'oidc-provider';

/** RFC 8693 section 2.1. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

interface DemoClient {
  readonly id: string;
  readonly secret: string;
  /** The most it can get, over all resources. */
  readonly scopes: readonly string[];
}

/** A program of the shop: reads everything, changes nothing. */
export const shopBackend: DemoClient = {
  id: 'shop-backend',
  secret: 'shop-backend-secret',
  scopes: ['read:products', 'read:invoices'],
};

/** A program that keeps the catalogue up to date. */
export const catalogManager: DemoClient = {
  id: 'catalog-manager',
  secret: 'catalog-manager-secret',
  scopes: ['read:products', 'write:products'],
};

/** Always late: its tokens are issued, signed and already expired. */
export const lateCourier: DemoClient = {
  id: 'late-courier',
  secret: 'late-courier-secret',
  scopes: ['read:products'],
};

/** The front end that people sign in to, by authorization code and PKCE. */
export const shopWeb: DemoClient = {
  id: 'shop-web',
  secret: 'shop-web-secret',
  scopes: ['read:products', 'write:products', 'read:invoices', 'pay:invoices'],
};

/** Where the front end is, as browsers see it. */
export const SHOP_WEB_ORIGIN =
  process.env.MONOSHOP_WEB_ORIGIN ?? `http://localhost:${process.env.MONOSHOP_WEB_PORT || 3000}`;

/** Where the front end waits for the authorization code. */
export const SHOP_WEB_CALLBACK = `${SHOP_WEB_ORIGIN}/api/auth/callback`;

/** Where it is told that somebody has signed out. */
export const SHOP_WEB_LOGOUT = `${SHOP_WEB_ORIGIN}/api/auth/backchannel-logout`;

/**
 * The Invoice API itself: may exchange the token of a person for one for the Product API (RFC 8693), and ask whether an
 * opaque one is good (RFC 7662).
 */
export const invoiceApi: DemoClient = {
  id: 'invoice-api',
  secret: 'invoice-api-secret',
  scopes: ['read:products'],
};

const all = [shopBackend, catalogManager, lateCourier, shopWeb, invoiceApi];

/** Of these scopes, the ones that this client may have. */
export function allowScopes(clientId: string, scopes: readonly string[]): string[] {
  const allowed = all.find(({ id }) => id === clientId)?.scopes ?? [];
  return scopes.filter((scope) => allowed.includes(scope));
}

function describeMachine({ id, secret }: DemoClient): ClientMetadata {
  return {
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  };
}

export const clients: ClientMetadata[] = [
  ...[shopBackend, catalogManager, lateCourier].map(describeMachine),
  {
    client_id: shopWeb.id,
    client_secret: shopWeb.secret,
    client_name: 'MonoShop',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [SHOP_WEB_CALLBACK],
    post_logout_redirect_uris: [SHOP_WEB_ORIGIN],
    backchannel_logout_uri: SHOP_WEB_LOGOUT,
    // With it, tokens name the session that they belong to: `sid`.
    backchannel_logout_session_required: true,
  },
  {
    ...describeMachine(invoiceApi),
    grant_types: [TOKEN_EXCHANGE],
    token_endpoint_auth_method: 'client_secret_post',
  },
];
