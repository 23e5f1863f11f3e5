/** Which programs may ask for tokens, for what, and for how long? Demo secrets, in the open on purpose. */
import type { ClientMetadata } from 'oidc-provider';

interface DemoClient {
  readonly id: string;
  readonly secret: string;
  readonly scope: string;
  /** Of its tokens, in seconds. */
  readonly lifetime: number;
}

const HOUR = 60 * 60;

export const shop: DemoClient = {
  id: 'shop',
  secret: 'shop-secret',
  scope: 'read:orders write:orders',
  lifetime: HOUR,
};

export const office: DemoClient = {
  id: 'office',
  secret: 'office-secret',
  scope: 'read:orders',
  lifetime: HOUR,
};

/** Its tokens end while somebody looks at it. */
export const display: DemoClient = {
  id: 'display',
  secret: 'display-secret',
  scope: 'read:orders',
  lifetime: 3,
};

const all = [shop, office, display];

export const SCOPE = [...new Set(all.flatMap(({ scope }) => scope.split(' ')))].join(' ');

export function lifetimeOf(clientId: string | undefined): number {
  return all.find(({ id }) => id === clientId)?.lifetime ?? 0;
}

export const clients: ClientMetadata[] = all.map(({ id, secret, scope }) => ({
  client_id: id,
  client_secret: secret,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  scope,
}));
