/** Is it one JSON object that every reader reads alike? RFC 7519 sections 4 and 7.2, RFC 8259 sections 8.1 and 9, RFC 8725 sections 2.6 and 3.7. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { PLATFORMS } from '../support/app.js';
import { openGate, type HostileToken } from '../support/gate.js';
import { Issuer } from '../support/issuer.js';
import { seal } from '../support/spoil.js';
import { encode, makeKey } from '../support/tokens.js';

const EC = makeKey('ES256', 'ec');
const issuer = await Issuer.start({}, EC);
afterAll(() => issuer.close());

type Part = 'header' | 'payload';
const PARTS: readonly Part[] = ['header', 'payload'];

const header = (): Record<string, unknown> => ({ alg: EC.alg, typ: 'at+jwt', kid: EC.kid });

const goodText = (part: Part): string => JSON.stringify(part === 'header' ? header() : issuer.claims());

/** The object's text with something more before its last brace. */
const plus = (good: string, more: string): string => `${good.slice(0, -1)},${more}}`;

/** Signed by the issuer's key over these very bytes. */
function sealText(part: Part, text: string | Buffer): string {
  const spoiled = Buffer.from(text).toString('base64url');
  return part === 'header'
    ? seal(EC, spoiled, encode(goodText('payload')))
    : seal(EC, encode(goodText('header')), spoiled);
}

type Spoil = (good: string) => string | Buffer;

const MALFORMED: readonly (readonly [name: string, fault: string, spoil: Spoil])[] = [
  ['that is a list', 'is not an object', (good) => `[${good}]`],
  ['that is a string', 'is not an object', (good) => JSON.stringify(good)],
  ['that is a number', 'is not an object', () => '1'],
  ['that is null', 'is not an object', () => 'null'],
  ['that is true', 'is not an object', () => 'true'],
  ['with a byte order mark', 'is not JSON', (good) => `\ufeff${good}`],
  ['with a NUL behind it', 'is not JSON', (good) => `${good}\u0000`],
  ['twice', 'is not JSON', (good) => good + good],
  ['truncated', 'is not JSON', (good) => good.slice(0, -1)],
  ['with a comma too many', 'is not JSON', (good) => plus(good, '')],
  ['with single quotes', 'is not JSON', (good) => good.replaceAll('"', "'")],
  ['with a comment', 'is not JSON', (good) => `${good}//`],
  ['with NaN', 'is not JSON', (good) => plus(good, '"x":NaN')],
  ['with a line break in a text', 'is not JSON', (good) => plus(good, '"x":"\n"')],
  ['that is a space', 'is not JSON', () => ' '],
  ['in UTF-16', 'is not JSON', (good) => Buffer.from(good, 'utf16le')],
  ['in UTF-16 with its mark', 'is not UTF-8', (good) => Buffer.from(`\ufeff${good}`, 'utf16le')],
  ['in Latin-1', 'is not UTF-8', (good) => Buffer.from(plus(good, '"x":"é"'), 'latin1')],
  [
    'with a quote of two bytes',
    'is not UTF-8',
    (good) => Buffer.from(plus(good, '"x":"\xc0\xa2"'), 'latin1'),
  ],
  ['with half a pair', 'is not UTF-8', (good) => Buffer.from(plus(good, '"x":"\xed\xa0\x80"'), 'latin1')],
];

const AMBIGUOUS: readonly (readonly [part: Part, member: string, fault: RegExp])[] = [
  ['header', '"alg":"ES256"', /duplicate member/],
  ['header', '"kid":"other"', /duplicate member/],
  ['header', '"\\u0061lg":"none"', /duplicate member/],
  ['header', '"x":{"y":1,"y":2}', /duplicate member/],
  ['payload', '"aud":"https://other.example.com"', /duplicate member/],
  ['payload', '"\\u0061ud":"https://other.example.com"', /duplicate member/],
  ['payload', '"\\u0073\\u0075\\u0062":"admin"', /duplicate member/],
  ['payload', '"scope" : "admin"', /duplicate member/],
  ['payload', '"cnf":{"jwk":1,"j\\u0077k":2}', /duplicate member/],
  ['payload', '"groups":["admin"]', /duplicate member/],
  ['payload', '"x":[[{"y":1,"z":{},"y":1}]]', /duplicate member/],
  ['payload', '"x":"a\\"b\\\\","x":1', /duplicate member/],
  ['header', '"__proto__":{"alg":"none"}', /named __proto__/],
  ['payload', '"__proto__":{"scope":"admin"}', /named __proto__/],
  ['payload', '"__proto__":null', /named __proto__/],
  ['payload', '"\\u005f_proto__":{}', /named __proto__/],
  ['payload', '"x":[{"__proto__":{}}]', /named __proto__/],
];

const TEXTS: readonly HostileToken[] = [
  ...PARTS.flatMap((part) =>
    MALFORMED.map(([name, fault, spoil]) => ({
      name: `a ${part} ${name}`,
      token: () => sealText(part, spoil(goodText(part))),
      reason: `the ${part} ${fault}`,
    })),
  ),
  ...AMBIGUOUS.map(([part, member, fault]) => ({
    name: `a ${part} that also has ${member}`,
    token: () => sealText(part, plus(goodText(part), member)),
    reason: new RegExp(`the ${part}\\b.* ${fault.source}`),
  })),
];

/** So many that whoever follows them with a call each runs out of stack. */
const nested = (depth: number, open = '[', close = ']'): string => open.repeat(depth) + close.repeat(depth);

const NESTED: readonly (readonly [name: string, literal: string])[] = [
  ['20000 lists', nested(20_000)],
  ['3500 objects', nested(3_500, '{"":', '}').replace(':}', ':0}')],
];

const PLACES: readonly (readonly [part: Part, name: string])[] = [
  ...['alg', 'typ', 'kid', 'crit', 'x'].map((name) => ['header', name] as const),
  ...['exp', 'nbf', 'iat', 'aud', 'iss', 'sub', 'cnf', 'x'].map((name) => ['payload', name] as const),
];

const withLiteral = (part: Part, name: string, literal: string): string => {
  const object = part === 'header' ? header() : issuer.claims();
  return JSON.stringify({ ...object, [name]: '@' }).replace('"@"', literal);
};

const DEEP: readonly HostileToken[] = [
  ...PLACES.flatMap(([part, name]) =>
    NESTED.map(([what, literal]) => ({
      name: `${name} of the ${part} in ${what}`,
      token: () => sealText(part, withLiteral(part, name, literal)),
      reason: new RegExp(`^${name}\\b|the ${part} is nested|requires an extension`),
    })),
  ),
  {
    name: 'a hundred thousand brackets',
    token: () => sealText('payload', withLiteral('payload', 'x', nested(50_000))),
    reason: 'the token is longer than 65536 characters',
  },
];

const members = (count: number): string => Array.from({ length: count }, (_, i) => `"m${i}":1`).join(',');
const list = (count: number, item: string): string =>
  `[${Array.from({ length: count }, () => item).join(',')}]`;

/** More to read than a good token is worth, before anybody has vouched for it. */
const BIG: readonly HostileToken[] = PARTS.flatMap((part) =>
  [
    ['513 members', members(513), 'has more than 512 members'],
    ['an object of 513 members', `"x":{${members(513)}}`, 'has more than 512 members'],
    ['513 objects', `"x":${list(513, '{"a":1}')}`, 'has more than 512 members'],
    [
      '513 members with spaces before their colons',
      members(513).replaceAll(':', ' :'),
      'has more than 512 members',
    ],
    ['a list of 2,002 texts', `"x":${list(2_002, '""')}`, 'has more than 2000 values'],
    ['a list of 20,000 numbers', `"x":${list(20_000, '1')}`, 'has more than 2000 values'],
    ['2,002 lists', `"x":${list(2_002, '[]')}`, 'has more than 2000 values'],
  ].map(([name = '', more = '', fault = '']) => ({
    name: `a ${part} with ${name}`,
    token: () => sealText(part, plus(goodText(part), more)),
    reason: new RegExp(`the ${part}\\b.* ${fault}`),
  })),
);

describe.each(PLATFORMS)('%s', (platform) => {
  const gate = openGate(platform, issuer, { tokenInBody: true });

  it.each([...TEXTS, ...DEEP, ...BIG])('refuses: $name', gate.refuses);

  it.each([
    ['white space', (good: string) => good.replaceAll(',', ',\r\n\t ')],
    ['one name in several objects', (good: string) => plus(good, '"x":{"y":1},"z":[{"y":1},{"y":1}]')],
    ['a text that looks like members', (good: string) => plus(good, '"x":"\\",\\"x\\":"')],
    ['a text outside of ASCII', (good: string) => plus(good, '"x":"Ünïcödé 🔑"')],
    ['an escaped name', (good: string) => good.replace('"aud"', '"\\u0061ud"')],
    ['some hundred members', (good: string) => plus(good, `"x":{${members(480)}}`)],
    ['more than a thousand groups', (good: string) => good.replace('["staff"]', list(1_500, '"staff"'))],
    ['a few levels', (good: string) => plus(good, `"x":${nested(16)}`)],
    [
      'names that objects have',
      (good: string) => plus(good, '"constructor":{"prototype":{"x":1}},"toString":1'),
    ],
  ])('accepts %s', async (_, spell) => {
    const text = spell(goodText('payload'));
    const answer = await gate.present(sealText('payload', text));
    expect(answer).toMatchObject({ status: 200, body: JSON.parse(text) as object });
    expect({}).not.toHaveProperty('x');
  });
});
