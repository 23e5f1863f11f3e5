/** What can a reader try by hand? What a thief can: `curl` has no key, so it can only repeat. */
import { writeCurl } from '#support/story/curl.js';
import type { Cast } from './cast.js';
import { A, B } from './steps.js';

export async function writeTryLines({ shop, token, unbound }: Cast, isShared: boolean): Promise<string> {
  const { authorization, proof } = await shop.prepare(token, 'GET', `${A}/orders`);
  const proven = `-H "Authorization: ${authorization}" -H "DPoP: ${proof}"`;
  return [
    writeCurl('open to everyone: 200', `${A}/status`),
    writeCurl('no token: 401, and both schemes', `${A}/orders`),
    writeCurl('no token: 401, and DPoP only', `-X POST ${A}/payments`),
    writeCurl('a token that is bound to nothing: 200', `${A}/orders`, unbound),
    writeCurl('the same where it must be bound: 401', `-X POST ${A}/payments`, unbound),
    writeCurl("the shop's token as Bearer: 401", `${A}/orders`, token),
    writeCurl(
      'a proof of the shop: 200 the first time and within a minute, 401 afterwards',
      `${A}/orders ${proven}`,
    ),
    ...(isShared ? [writeCurl('the same at the other instance: 401', `${B}/orders ${proven}`)] : []),
  ].join('\n');
}
