/** Who takes part? A shop with a key, an old one without, and a thief, who has everything but the shop's key. */
import type { AuthorizationServer } from 'oauth4webapi';
import { requestForClient } from '#support/story/client-credentials.js';
import { oldShop, SCOPE } from '../idp/clients.js';
import { ORDERS } from '../idp/resources.js';
import { DPoPClient } from './client.js';

export interface Cast {
  readonly shop: DPoPClient;
  /** Bound to the shop's key. Everybody in the story gets hold of it. */
  readonly token: string;
  /** The shop's other program, with a key and a token of its own. */
  readonly till: DPoPClient;
  readonly tillToken: string;
  /** With a key of the thief's own. */
  readonly thief: DPoPClient;
  /** The old shop's: bound to nothing. */
  readonly unbound: string;
}

export async function collectCast(server: AuthorizationServer): Promise<Cast> {
  const [shop, till, thief] = await Promise.all([
    DPoPClient.withNewKey(),
    DPoPClient.withNewKey(),
    DPoPClient.withNewKey(),
  ]);
  const [token, tillToken, unbound] = await Promise.all([
    shop.requestToken(server),
    till.requestToken(server),
    requestForClient(server, oldShop, ORDERS, SCOPE),
  ]);
  return { shop, token, till, tillToken, thief, unbound };
}
