/** What happens to tokens at two instances? Who comes where, what the answer is, and how often the idp is asked. */
import type { Credentials } from '#support/story/client-credentials.js';
import { bearer, type Step } from '#support/story/step.js';
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
    ...chapter('Introspection calls', [
      read(A, 'no token', '', 401, 0, /^Bearer$/),
      read(A, 'a made-up token', madeUp, 401, 1, refused),
      read(A, 'the same, cached', madeUp, 401, 0, refused),
      read(A, 'a valid token', report, 200, 1, payments),
      read(A, 'the same, cached', report, 200, 0, payments),
      read(B, 'the same at B: cached in Redis', report, 200, 0, payments),
      pay(B, 'may not pay; @Introspect() calls', report, 403, 1, lacksWrite),
      pay(A, 'a till pays', morning, 201, 1, payments),
      pay(A, 'again: calls each time', morning, 201, 1, payments),
    ]),
    ...chapter('Revoked at the provider only', [
      revoke('the till revokes its token', morning, tillOne),
      read(A, 'revoked, but cached by A', morning, 200, 0, payments),
      pay(A, '@Introspect(): rejected immediately', morning, 401, 1, refused),
      read(A, 'A has cached the rejection', morning, 401, 0, refused),
      read(B, 'removed from Redis: B calls', morning, 401, 1, refused),
    ]),
    ...chapter('Revoked and forgotten, by token', [
      read(A, "the till's next token", afternoon, 200, 1, payments),
      revoke('the till revokes it', afternoon, tillOne),
      read(A, 'revoked, but cached by A', afternoon, 200, 0, payments),
      forget(A, 'forget() requires manage:sessions', { token: afternoon }, report, 403, 0, lacksManage),
      forget(A, 'the back office calls forget()', { token: afternoon }, office, 200, 1, /"evicted":1/),
      read(A, 'A calls again: rejected', afternoon, 401, 1, refused),
      read(B, 'so does B: removed from Redis', afternoon, 401, 1, refused),
    ]),
    ...chapter('Revoked and forgotten, by subject: two tokens, one of them known to both instances', [
      read(A, "the second till's drawer", drawer, 200, 1, payments),
      read(A, "the second till's scanner", scanner, 200, 1, payments),
      read(B, 'the scanner, also at B', scanner, 200, 0, payments),
      revoke("the drawer's token is revoked", drawer, tillTwo),
      revoke("so is the scanner's", scanner, tillTwo),
      forget(
        A,
        'the back office calls forget() at A',
        bySub,
        office,
        200,
        0,
        /"evicted":2.*memory of other instances/,
      ),
      read(A, 'the drawer at A', drawer, 401, 1, refused),
      read(A, 'the scanner at A', scanner, 401, 1, refused),
      read(B, 'the drawer at B: removed from Redis', drawer, 401, 1, refused),
      read(B, 'the scanner: cached by B for 10 s', scanner, 200, 0, payments),
      forget(B, 'the back office calls forget() at B', bySub, office, 200, 0, /"evicted":1/),
      read(B, 'the scanner at B', scanner, 401, 1, refused),
    ]),
  ];
}
