/** Which programs may ask for tokens, and are these bound to a certificate? Demo secrets, in the open on purpose. */
import type { ClientMetadata } from 'oidc-provider';

interface DemoClient {
  readonly id: string;
  readonly secret: string;
  /** It gets no token without a certificate; which one, is not asked (RFC 8705 section 3). */
  readonly alwaysBound: boolean;
}

export const shop: DemoClient = { id: 'shop', secret: 'shop-secret', alwaysBound: true };

/** As good a client as the shop, with a certificate of the same authority. */
export const rival: DemoClient = { id: 'rival', secret: 'rival-secret', alwaysBound: true };

/** Has no certificate yet: its tokens are good for whoever has them. */
export const oldShop: DemoClient = { id: 'old-shop', secret: 'old-shop-secret', alwaysBound: false };

/** All of them may do the same. */
export const SCOPE = 'read:orders read:payouts';

export const clients: ClientMetadata[] = [shop, rival, oldShop].map(({ id, secret, alwaysBound }) => ({
  client_id: id,
  client_secret: secret,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  tls_client_certificate_bound_access_tokens: alwaysBound,
}));
