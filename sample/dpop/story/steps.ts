/** What is a stolen token worth? Who comes with what, and which answer it gets. */
import { bearer, type Step } from '#support/story/step.js';
import type { Wire } from './client.js';
import type { Cast } from './cast.js';
import { once, sendAtOnce, sendWire } from './send.js';

export const IDP = 'http://localhost:4020';
/** The two instances of the API. Clients know it as A; B stands behind the same name, as behind a load balancer. */
export const A = 'http://localhost:4021';
export const B = 'http://localhost:4022';

const AT_ONCE = 20;

const nonceAsked = /^DPoP error="use_dpop_nonce".*DPoP-Nonce: \S+$/;
const badProof = /^DPoP error="invalid_dpop_proof"/;
const badToken = /^DPoP error="invalid_token"/;
const badBearer = /error="invalid_token"/;
const orders = /"item":"a lamp"/;
const paid = /"shop":"shop"/;

type Request = readonly [method: 'GET' | 'POST', url: string];
type Answer = readonly [expected: number, says: RegExp];

const ordersAt = (instance: string): Request => ['GET', `${instance}/orders`];
const paymentsAt = (instance: string): Request => ['POST', `${instance}/payments`];

/** Without a proof. */
function plain(story: string, [method, url]: Request, token: string, ...[expected, says]: Answer): Step {
  return { story, method, url, authorization: bearer(token), expected, says };
}

/** With whatever it takes, made when its turn comes: nonces and proofs are good for a minute. */
function sent(
  story: string,
  [method, url]: Request,
  send: () => Promise<Response>,
  ...[expected, says]: Answer
): Step {
  return { story, method, url, authorization: '', send, expected, says };
}

/** Proof and token that somebody else, or nobody yet, has sent. */
function wired(story: string, request: Request, wire: () => Promise<Wire>, ...answer: Answer): Step {
  return sent(story, request, async () => sendWire(await wire(), ...request), ...answer);
}

function chapter(title: string, [first, ...rest]: readonly [Step, ...Step[]]): Step[] {
  return [{ ...first, chapter: title }, ...rest];
}

export function writeSteps(cast: Cast, isShared: boolean): Step[] {
  const { shop, token, till, tillToken, thief, unbound } = cast;
  const shopAsks = (...request: Request) => shop.attempt(token, ...request);
  const shopMakes = (...request: Request) => once(() => shop.prepare(token, ...request));
  // Each of these is one proof, however often it is sent.
  const seen = shopMakes(...ordersAt(A));
  const lost = shopMakes(...ordersAt(A));
  const crowd = shopMakes(...ordersAt(A));
  const instances = isShared ? [A, B] : [A];
  const whereToReplay = isShared ? 'A and B' : 'A';

  return [
    ...chapter('The shop, with its key', [
      sent('a proof without a nonce: gets one', ordersAt(A), () => shopAsks(...ordersAt(A)), 401, nonceAsked),
      sent('the same request with the nonce', ordersAt(A), () => shopAsks(...ordersAt(A)), 200, orders),
      sent('a payment, at @DPoPBound()', paymentsAt(A), () => shopAsks(...paymentsAt(A)), 201, paid),
      sent(
        'its till: challenge and nonce in one call',
        paymentsAt(A),
        () => till.request(tillToken, ...paymentsAt(A)),
        201,
        paid,
      ),
      wired('a request that the thief intercepts', ordersAt(A), seen, 200, orders),
    ]),
    ...chapter("The thief, with the shop's token", [
      plain('sent as Bearer', ordersAt(A), token, 401, badBearer),
      plain('sent as Bearer', paymentsAt(A), token, 401, badBearer),
      sent(
        "with a proof by the thief's own key",
        ordersAt(A),
        () => thief.attempt(token, ...ordersAt(A)),
        401,
        badToken,
      ),
      wired("with the shop's proof, already used", ordersAt(A), seen, 401, badProof),
      ...(isShared ? [wired('the same at B: Redis has the proof', ordersAt(B), seen, 401, badProof)] : []),
    ]),
    ...chapter("The thief, with the shop's token and a proof that was never used", [
      wired('proof for GET /orders', paymentsAt(A), lost, 401, badProof),
      wired('proof for POST /orders', ordersAt(A), shopMakes('POST', `${A}/orders`), 401, badProof),
      wired('proof for GET /status', ordersAt(A), shopMakes('GET', `${A}/status`), 401, badProof),
      wired(
        'proof for another host',
        ordersAt(A),
        shopMakes('GET', 'http://localhost:4999/orders'),
        401,
        badProof,
      ),
      wired('the shop: a rejected proof is still unused', ordersAt(A), lost, 200, orders),
      sent(
        `one proof ${AT_ONCE} times at once, ${whereToReplay}: one passes`,
        ordersAt(instances.at(-1) ?? A),
        async () => sendAtOnce(await crowd(), AT_ONCE, instances),
        200,
        new RegExp(`^{"200":1,"401":${AT_ONCE - 1}}$`),
      ),
    ]),
    ...chapter('Without a bound token', [
      plain('no token: both schemes are offered', ordersAt(A), '', 401, /^Bearer, DPoP algs="[^"]*\bES256\b/),
      plain('no token: only DPoP is offered', paymentsAt(A), '', 401, /^DPoP algs="[^"]*\bES256\b[^"]*"$/),
      plain('an unbound token', ordersAt(A), unbound, 200, orders),
      plain('an unbound token, at @DPoPBound()', paymentsAt(A), unbound, 401, badBearer),
      wired(
        'an unbound token with a proof',
        ordersAt(A),
        () => thief.prepare(unbound, ...ordersAt(A)),
        401,
        badToken,
      ),
    ]),
  ];
}
