/** Which programs may ask for tokens, and are these bound to a key? Demo secrets, in the open on purpose. */
import type { ClientMetadata } from 'oidc-provider';

interface DemoClient {
  readonly id: string;
  readonly secret: string;
  /** It gets no token without a proof (RFC 9449 section 5.2). */
  readonly alwaysBound: boolean;
}

/** Has learnt DPoP. */
export const shop: DemoClient = { id: 'shop', secret: 'shop-secret', alwaysBound: true };

/** Has not yet: its tokens are good for whoever has them. */
export const oldShop: DemoClient = { id: 'old-shop', secret: 'old-shop-secret', alwaysBound: false };

/** Both may do the same. */
export const SCOPE = 'read:orders write:payments';

export const clients: ClientMetadata[] = [shop, oldShop].map(({ id, secret, alwaysBound }) => ({
  client_id: id,
  client_secret: secret,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  dpop_bound_access_tokens: alwaysBound,
}));
