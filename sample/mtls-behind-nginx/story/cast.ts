/** Who takes part? A shop and its rival, each with a certificate, an old shop without one, and nobody in particular. */
import * as oauth from 'oauth4webapi';
import { discover, requestForClient, type Credentials } from '#support/story/client-credentials.js';
import { fetchOver, type Fetch } from '#support/tls/fetch-over.js';
import { claim, type Certificates } from '../certificates.js';
import { oldShop, rival, SCOPE, shop } from '../idp/clients.js';
import { ORDERS } from '../idp/resources.js';

export interface Client {
  /** Over connections with its certificate. */
  readonly fetch: Fetch;
  /** Bound to it. Everybody in the story gets hold of the shop's. */
  readonly token: string;
  /** A header that says "this is my certificate", as a proxy would write it; for whoever wants to pretend. */
  readonly claim: Readonly<Record<string, string>>;
}

export interface Cast {
  readonly shop: Client;
  readonly rival: Client;
  /** Without a certificate. */
  readonly nobody: Fetch;
  /** The old shop's: bound to nothing. */
  readonly unbound: string;
}

export async function collectCast(issuer: URL, { ca, ...certificates }: Certificates): Promise<Cast> {
  const nobody = fetchOver({ ca });
  const server = await discover(issuer, { [oauth.customFetch]: nobody });
  const request = (credentials: Credentials, over: Fetch): Promise<string> =>
    requestForClient(server, credentials, ORDERS, SCOPE, { [oauth.customFetch]: over });

  const enter = async (credentials: Credentials, name: 'shop' | 'rival'): Promise<Client> => {
    const certificate = certificates[name];
    const over = fetchOver({ ca, ...certificate });
    return { fetch: over, token: await request(credentials, over), claim: claim(certificate) };
  };
  return {
    shop: await enter(shop, 'shop'),
    rival: await enter(rival, 'rival'),
    nobody,
    unbound: await request(oldShop, nobody),
  };
}
