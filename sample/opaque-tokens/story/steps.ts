/** What happens to tokens at two instances? Who comes where, what the answer is, and how often the idp is asked. */
import type { Credentials } from '../../support/story/client-credentials.js';
import { bearer, type Step } from '../../support/story/step.js';
import { tillOne, tillTwo } from '../idp/clients.js';
import type { StoryTokens } from './tokens.js';

export const IDP = 'http://localhost:4010';
/** The two instances of the API. */
export const A = 'http://localhost:4011';
export const B = 'http://localhost:4012';

const refused = /^Bearer error="invalid_token"/;
const lacksWrite = /^Bearer error="insufficient_scope".*scope="write:payments"/;
const lacksManage = /^Bearer error="insufficient_scope".*scope="manage:sessions"/;
const payments = /"till":"till-1"/;

type Answer = readonly [expected: number, asks: number, says: RegExp];

/** The list of payments: what is remembered of the token will do. */
function read(instance: string, story: string, token: string, ...[expected, asks, says]: Answer): Step {
  const url = `${instance}/payments`;
  return { story, method: 'GET', url, authorization: bearer(token), expected, asks, says };
}

/** A payment: `@Introspect()`, so the idp is asked. */
function pay(instance: string, story: string, token: string, ...[expected, asks, says]: Answer): Step {
  const [url, body] = [`${instance}/payments`, { amount: 7 }];
  return { story, method: 'POST', url, authorization: bearer(token), body, expected, asks, says };
}

/** RFC 7009: a program gives its token back. */
function revoke(story: string, token: string, { id, secret }: Credentials): Step {
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  const [url, body] = [`${IDP}/token/revocation`, new URLSearchParams({ token })];
  return { story, method: 'POST', url, authorization, body, expected: 200, asks: 0, says: /^$/ };
}

function forget(
  instance: string,
  story: string,
  body: { readonly token: string } | { readonly sub: string },
  by: string,
  ...[expected, asks, says]: Answer
): Step {
  const url = `${instance}/sessions/forget`;
  return { story, method: 'POST', url, authorization: bearer(by), body, expected, asks, says };
}

function chapter(title: string, [first, ...rest]: readonly [Step, ...Step[]]): Step[] {
  return [{ ...first, chapter: title }, ...rest];
}

export function writeSteps(tokens: StoryTokens): Step[] {
  const { report, morning, afternoon, drawer, scanner, office, madeUp } = tokens;
  const bySub = { sub: tillTwo.id };
  return [
    ...chapter('Who is asked, and how often', [
      read(A, 'no token', '', 401, 0, /^Bearer$/),
      read(A, 'a made-up token', madeUp, 401, 1, refused),
      read(A, 'the same again', madeUp, 401, 0, refused),
      read(A, 'a good token', report, 200, 1, payments),
      read(A, 'the same again', report, 200, 0, payments),
      read(B, 'the same, new to B: Redis knows it', report, 200, 0, payments),
      pay(B, 'it may not pay; @Introspect() asks', report, 403, 1, lacksWrite),
      pay(A, 'a till pays', morning, 201, 1, payments),
      pay(A, 'and again: asked each time', morning, 201, 1, payments),
    ]),
    ...chapter('Revoked, and nobody told the API', [
      revoke('the till gives its token back', morning, tillOne),
      read(A, 'revoked, and A remembers it as good', morning, 200, 0, payments),
      pay(A, '@Introspect(): refused at once', morning, 401, 1, refused),
      read(A, 'now A knows', morning, 401, 0, refused),
      read(B, 'and Redis has it no longer', morning, 401, 1, refused),
    ]),
    ...chapter('Revoked and forgotten, by token', [
      read(A, "the till's next token", afternoon, 200, 1, payments),
      revoke('given back', afternoon, tillOne),
      read(A, 'revoked, and A remembers it as good', afternoon, 200, 0, payments),
      forget(A, 'not everybody may say "forget"', { token: afternoon }, report, 403, 0, lacksManage),
      forget(A, 'the back office may', { token: afternoon }, office, 200, 1, /"evicted":1/),
      read(A, 'A asks again: refused', afternoon, 401, 1, refused),
      read(B, 'so does B, for Redis has forgotten', afternoon, 401, 1, refused),
    ]),
    ...chapter('Revoked and forgotten, by subject: two tokens, one of them known to both instances', [
      read(A, "the second till's drawer", drawer, 200, 1, payments),
      read(A, "the second till's scanner", scanner, 200, 1, payments),
      read(B, 'the scanner, at B too', scanner, 200, 0, payments),
      revoke('the drawer gives its token back', drawer, tillTwo),
      revoke('so does the scanner', scanner, tillTwo),
      forget(A, 'the back office tells A', bySub, office, 200, 0, /"evicted":2.*memory of other instances/),
      read(A, 'the drawer at A', drawer, 401, 1, refused),
      read(A, 'the scanner at A', scanner, 401, 1, refused),
      read(B, 'the drawer at B, which Redis told', drawer, 401, 1, refused),
      read(B, 'the scanner: B remembers for 10 s', scanner, 200, 0, payments),
      forget(B, 'the back office tells B as well', bySub, office, 200, 0, /"evicted":1/),
      read(B, 'the scanner at B', scanner, 401, 1, refused),
    ]),
  ];
}
