/** What can a reader try by hand? With the files in the folder, which are there as long as the sample is. */
import { join } from 'node:path';
import { writeCurl } from '#support/story/curl.js';
import type { Cast } from './cast.js';
import { DIRECT, NGINX, PAST_THE_PROXY } from './steps.js';

/** The API behind nginx, past nginx. */
const BEHIND_NGINX = 'http://localhost:4032';

export function writeTryLines({ shop, unbound }: Cast, folder: string, hasNginx: boolean): string {
  const file = (name: string): string => `"${join(folder, name)}"`;
  const ca = `--cacert ${file('ca.pem')}`;
  const as = (name: string): string => `${ca} --cert ${file(`${name}.pem`)} --key ${file(`${name}-key.pem`)}`;
  const claim = `-H @${file('claim-shop.txt')}`;
  const origin = hasNginx ? NGINX : DIRECT;
  return [
    writeCurl('open to everyone: 200', `${ca} ${origin}/status`),
    writeCurl('the shop: 200', `${as('shop')} ${origin}/payouts`, shop.token),
    writeCurl(
      "the shop's token, the rival's certificate: 401",
      `${as('rival')} ${origin}/payouts`,
      shop.token,
    ),
    writeCurl('no certificate: 401', `${ca} ${origin}/orders`, shop.token),
    writeCurl("a header with the shop's certificate: 401", `${ca} ${claim} ${origin}/orders`, shop.token),
    writeCurl('past a proxy somewhere else, the same: 401', `${claim} ${PAST_THE_PROXY}/orders`, shop.token),
    ...(hasNginx
      ? [
          writeCurl(
            'past nginx, from an address that is trusted: 200, so keep everybody else off these',
            `${claim} ${BEHIND_NGINX}/orders`,
            shop.token,
          ),
        ]
      : []),
    writeCurl('a token that is bound to nothing: 200', `${ca} ${origin}/orders`, unbound),
    writeCurl('the same where it must be bound: 401', `${as('shop')} ${origin}/payouts`, unbound),
  ].join('\n');
}
