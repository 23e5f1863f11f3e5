/** Ways to present a token: in the right place, in others, in several at once, and as bytes that are no HTTP at all. */
import { createHash, randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { seconds, signText } from './mint.js';
import { tokenRecipe } from './token-recipes.js';

const ROUTES = ['any', 'scoped', 'grouped', 'optional', 'public', 'cert-bound', 'dpop-bound', 'items'];

/** Paths of the route `items`, as they are sent. A URL parser makes others of most of them. */
const ITEMS = [
  'items/a/b',
  'items/a/b',
  'items/../any',
  'items/%2e%2E/any',
  'items/./b',
  'items/a/%2e.',
  'items/a/%62',
  'items/%61/%7e',
  'items/a/x\\b',
  'items/a%2F../b',
];

const junk = fc
  .string({ unit: 'binary-ascii', maxLength: 60 })
  .map((text) => text.replace(/[^\t -~]/g, '\xe9'));

/** What stands before and after the token: `%` is its place. */
const frame = fc.oneof(
  { weight: 12, arbitrary: fc.constant('Bearer %') },
  { weight: 2, arbitrary: fc.constant('DPoP %') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'bearer %',
      'BEARER %',
      'bEaReR %',
      'Bearer  %',
      'Bearer\t%',
      ' Bearer % ',
      'Bearer %,',
      'Bearer %, Bearer %',
      'Bearer',
      'Bearer ',
      'Bearer% ',
      'Bearer:%',
      'Bearer=%',
      'Bearer "%"',
      'Bearer token=%',
      'Basic %',
      '%',
      '',
      'Basic x, Bearer %',
      'Bearer % x',
      'Bearer x %',
      'Bearer \xa0%',
      'Bearer %\xa0',
      'dpop %',
      'Token %',
      'BearerX %',
    ),
  },
  { weight: 1, arbitrary: junk },
  { weight: 1, arbitrary: fc.tuple(junk, junk).map(([before, after]) => `${before}%${after}`) },
);

const extra = fc.constantFrom(...Array(6).fill('none'), 'twice', 'basic-too', 'query', 'cookie', 'x-header');
const proof = fc.constantFrom(
  'good',
  'good',
  'resolved',
  'other-url',
  'other-method',
  'other-token',
  'old',
  'other-key',
  'two',
  'junk',
);

/** Where a token is put; `routes` are asked in this order, the first of them twice. */
const placed = (frames, proofs) =>
  fc.record({
    frame: frames,
    extra,
    proof: proofs,
    item: fc.constantFrom(...ITEMS),
    routes: fc
      .shuffledSubarray(ROUTES, { minLength: 5, maxLength: 5 })
      .map((routes) => [...routes, routes[0]]),
  });

const mostlyNone = fc.oneof({ weight: 20, arbitrary: fc.constant('none') }, { weight: 1, arbitrary: proof });

/** A token and its placement: one in twelve is bound to the client's key, and mostly comes with a proof. */
export const tokenAndPlacement = fc.oneof(
  { weight: 11, arbitrary: fc.tuple(tokenRecipe, placed(frame, mostlyNone)) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      tokenRecipe.map((recipe) => ({ ...recipe, claims: [...recipe.claims, ['cnf', { $jkt: true }]] })),
      placed(fc.constantFrom('DPoP %', 'DPoP %', 'dpop %', 'Bearer %'), proof),
    ),
  },
);

/** @returns {{ path: string, query: string, headers: [string, string][], sent: object }} what goes onto the wire, and what the oracle is told */
export function place({ frame: pattern, extra: more, proof: how, item }, token, { ring, port, route }) {
  const value = pattern.replaceAll('%', () => token);
  const authorization = [value, ...({ twice: [value], 'basic-too': ['Basic eDp5'] }[more] ?? [])];
  const path = route === 'items' ? item : route;
  const proofs = makeProofs(how, token, { ring, url: `http://127.0.0.1:${port}/${path}` });
  const headers = [
    ...authorization.map((each) => ['Authorization', each]),
    ...proofs.map((each) => ['DPoP', each]),
    ...({
      cookie: [['Cookie', `access_token=${token.replace(/[^\w.-]/g, '')}`]],
      'x-header': [['X-Access-Token', 'x']],
    }[more] ?? []),
  ];
  const query = more === 'query' ? '?access_token=x' : '';
  return { path, query, headers, sent: { authorization, proofs, secondWay: more === 'query' } };
}

function makeProofs(how, token, { ring, url }) {
  if (how === 'none') return [];
  if (how === 'junk') return ['a.b.c'];
  const key = how === 'other-key' ? ring.stranger : ring.client;
  const { kty, crv, x, y } = key.jwk;
  const subject = how === 'other-token' ? `${token}x` : token;
  const payload = {
    jti: randomUUID(),
    htm: how === 'other-method' ? 'POST' : 'GET',
    htu: { 'other-url': `${url}/x`, resolved: resolve(url) }[how] ?? url,
    iat: how === 'old' ? seconds() - 4000 : seconds(),
    ath: createHash('sha256').update(subject, 'latin1').digest('base64url'),
  };
  const text = signText(
    key,
    JSON.stringify({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } }),
    JSON.stringify(payload),
  );
  return how === 'two' ? [text, text] : [text];
}

/** What a URL parser makes of it, with nothing encoded that need not be: another handler's URL, perhaps. */
function resolve(url) {
  return new URL(url).href.replace(/%(?:6[1-9a-f]|7[0-9ae])/gi, decodeURIComponent);
}

/** Bytes of a request whose Authorization field holds anything: control characters, line ends, other fields. */
export const rawField = fc.record({
  before: fc.constantFrom('Bearer ', 'Bearer', 'DPoP ', '', 'Basic '),
  bytes: fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  at: fc.integer({ min: 0, max: 1000 }),
  withToken: fc.boolean(),
  name: fc.constantFrom(
    'Authorization',
    'authorization',
    'AUTHORIZATION',
    'Authorization ',
    'Authorization\0',
    ' Authorization',
  ),
  end: fc.constantFrom('\r\n', '\n', '\r', '\r\n ', '\0\r\n'),
});

export function rawRequest({ before, bytes, at, withToken, name, end }, token) {
  const i = Math.floor((at / 1000) * bytes.length);
  const value = before + bytes.slice(0, i) + (withToken ? token : '') + bytes.slice(i);
  return `GET /any HTTP/1.1\r\nHost: a.example\r\n${name}: ${value}${end}Connection: close\r\n\r\n`;
}

/** Whether, read as loosely as can be, these bytes present that token alone: after the scheme, to the end of a line. */
export function presents(request, token) {
  const lines = request.split(/[\r\n]+/).filter((line) => /^authorization:/i.test(line));
  return (
    lines.length === 1 &&
    new RegExp(`^authorization:[ \\t]*bearer[ \\t]+${token.replaceAll('.', '\\.')}[ \\t]*$`, 'i').test(
      lines[0],
    )
  );
}
