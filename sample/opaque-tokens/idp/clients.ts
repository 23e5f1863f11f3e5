/** Which programs may ask for tokens, and with which scopes at most? Demo secrets, in the open on purpose. */
import type { ClientMetadata } from 'oidc-provider';

interface DemoClient {
  readonly id: string;
  readonly secret: string;
  /** The most it can get. */
  readonly scopes: readonly string[];
}

function till(id: string): DemoClient {
  return { id, secret: `${id}-secret`, scopes: ['read:payments', 'write:payments'] };
}

/** The tills of a shop: they take payments, and sign off when the shop closes. */
export const tillOne = till('till-1');
export const tillTwo = till('till-2');

/** Counts the money, and moves none. */
export const reportWriter: DemoClient = {
  id: 'report-writer',
  secret: 'report-writer-secret',
  scopes: ['read:payments'],
};

/** Hears who has signed off, and passes it on to the API. */
export const backOffice: DemoClient = {
  id: 'back-office',
  secret: 'back-office-secret',
  scopes: ['manage:sessions'],
};

/** The API itself: gets no tokens, but may ask whether one is good (RFC 7662). */
export const paymentApi: DemoClient = { id: 'payment-api', secret: 'payment-api-secret', scopes: [] };

const programs = [tillOne, tillTwo, reportWriter, backOffice];

export function scopesOf(clientId: string): readonly string[] {
  return programs.find(({ id }) => id === clientId)?.scopes ?? [];
}

function describe({ id, secret }: DemoClient): ClientMetadata {
  return {
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  };
}

export const clients: ClientMetadata[] = [
  ...programs.map(describe),
  { ...describe(paymentApi), grant_types: [], token_endpoint_auth_method: 'client_secret_post' },
];
