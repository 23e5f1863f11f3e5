/** What is a stolen token worth without the certificate? Who comes with what, and which answer it gets. */
import { bearer, type Step } from '#support/story/step.js';
import type { Fetch } from '#support/tls/fetch-over.js';
import { shop as shopCredentials } from '../idp/clients.js';
import { ORDERS } from '../idp/resources.js';
import type { Cast } from './cast.js';

export const IDP = 'https://localhost:4030';
/** In front of the API at 4032. */
export const NGINX = 'https://localhost:4031';
/** The API with TLS of its own. */
export const DIRECT = 'https://localhost:4033';
/** The API that takes the word of a proxy somewhere else: whoever comes from here has come past it. */
export const PAST_THE_PROXY = 'http://localhost:4034';

const refused = /^Bearer error="invalid_token"/;
const orders = /"item":"a lamp"/;
const up = /"status":"up"/;
const payoutsOf = (client: string): RegExp => new RegExp(`"client":"${client}"`);

/** Over whose connections, which token, and headers beside it. */
type Caller = readonly [over: Fetch, token: string, headers?: Readonly<Record<string, string>>];
type Answer = readonly [expected: number, says: RegExp];

function get(story: string, url: string, [over, token, extra]: Caller, ...[expected, says]: Answer): Step {
  const authorization = bearer(token);
  const headers = { ...extra, ...(authorization && { authorization }) };
  return { story, method: 'GET', url, authorization, send: () => over(url, { headers }), expected, says };
}

function chapter(title: string, [first, ...rest]: readonly [Step, ...Step[]]): Step[] {
  return [{ ...first, chapter: title }, ...rest];
}

/** RFC 8705 section 3: there is nothing to bind the token to. */
function requestWithoutCertificate(over: Fetch): Step {
  const { id, secret } = shopCredentials;
  const url = `${IDP}/token`;
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  const body = new URLSearchParams({ grant_type: 'client_credentials', resource: ORDERS });
  return {
    story: 'the shop, without its certificate',
    method: 'POST',
    url,
    authorization,
    send: () => over(url, { method: 'POST', headers: { authorization }, body }),
    expected: 400,
    says: /"error":"invalid_grant"/,
  };
}

/** The same wherever TLS ends. */
function writeVisits(title: string, origin: string, { shop, rival, nobody, unbound }: Cast): Step[] {
  const at = `${origin}/orders`;
  const atCertBound = `${origin}/payouts`;
  return [
    ...chapter(`${title}: with the right certificate`, [
      get('the shop', at, [shop.fetch, shop.token], 200, orders),
      get('the shop at @CertBound()', atCertBound, [shop.fetch, shop.token], 200, payoutsOf('shop')),
      get('its rival, with its own token', atCertBound, [rival.fetch, rival.token], 200, payoutsOf('rival')),
    ]),
    ...chapter(`${title}: with the shop's token, stolen`, [
      get("the rival's certificate", at, [rival.fetch, shop.token], 401, refused),
      get('the same, at @CertBound()', atCertBound, [rival.fetch, shop.token], 401, refused),
      get('no certificate', at, [nobody, shop.token], 401, refused),
      get(
        "the rival's, and a header with the shop's",
        at,
        [rival.fetch, shop.token, shop.claim],
        401,
        refused,
      ),
      get("none, and a header with the shop's", at, [nobody, shop.token, shop.claim], 401, refused),
      get(
        "the shop's, and a header with the rival's",
        at,
        [shop.fetch, shop.token, rival.claim],
        200,
        orders,
      ),
    ]),
    ...chapter(`${title}: without a bound token`, [
      get('an unbound token', at, [nobody, unbound], 200, orders),
      get('the same, at @CertBound()', atCertBound, [nobody, unbound], 401, refused),
      get('the same with a certificate', atCertBound, [shop.fetch, unbound], 401, refused),
      get('a certificate, no token', at, [shop.fetch, ''], 401, /^Bearer$/),
      get('neither, at a public route', `${origin}/status`, [nobody, ''], 200, up),
    ]),
  ];
}

/** How many of the steps past the proxy come with a header that claims a certificate. */
export const CLAIMS_PAST_THE_PROXY = 2;

function writeVisitsPastTheProxy({ shop, nobody, unbound }: Cast): Step[] {
  const at = `${PAST_THE_PROXY}/orders`;
  const atCertBound = `${PAST_THE_PROXY}/payouts`;
  const claiming: Caller = [nobody, shop.token, shop.claim];
  return chapter("Past the proxy, with the shop's token and a header with its certificate", [
    get('a header that is not from the proxy', at, claiming, 401, refused),
    get('the same, at @CertBound()', atCertBound, claiming, 401, refused),
    get('an unbound token', at, [nobody, unbound], 200, orders),
    get('neither, at a public route', `${PAST_THE_PROXY}/status`, [nobody, ''], 200, up),
  ]);
}

export function writeSteps(cast: Cast, hasNginx: boolean): Step[] {
  return [
    ...chapter('At the authorization server', [requestWithoutCertificate(cast.nobody)]),
    ...(hasNginx ? writeVisits('Behind nginx', NGINX, cast) : []),
    ...writeVisits('TLS in Nest', DIRECT, cast),
    ...writeVisitsPastTheProxy(cast),
  ];
}
