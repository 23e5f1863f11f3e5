/** Is it meant for this API, from this issuer, now? RFC 7519 section 4.1, RFC 8725 sections 3.8 and 3.9, RFC 9068 section 4. */
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { PLATFORMS } from '../support/app.js';
import { Attacker } from '../support/attacker.js';
import { jumpClock } from '../support/clock.js';
import { expectInvalidToken, openGate, refusals, type HostileToken } from '../support/gate.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { makeKey, nowInSeconds } from '../support/tokens.js';

const issuer = await Issuer.start({ issuerPath: '/Tenant' }, makeKey('ES256', 'ec'));
const attacker = await Attacker.start();
afterAll(() => Promise.all([issuer.close(), attacker.close()]));
afterEach(() => expect(attacker.server.requests).toEqual([]));

const ISSUER = issuer.server.issuer;

/** A good token but for one claim. */
const withClaim = (name: string, value: unknown) => (): string => issuer.token({ claims: { [name]: value } });

/** A good token but for one claim that no JavaScript value can be. */
const withLiteral = (name: string, literal: string) => (): string =>
  issuer.token({ payloadText: JSON.stringify({ ...issuer.claims(), [name]: '@' }).replace('"@"', literal) });

const soon = nowInSeconds() + 600;

const EXPIRIES: readonly HostileToken[] = [
  { name: 'exp missing', token: withClaim('exp', undefined), reason: 'exp is missing' },
  { name: 'exp null', token: withClaim('exp', null), reason: 'exp is null' },
  { name: 'exp true', token: withClaim('exp', true), reason: 'exp is true' },
  { name: 'exp a string', token: withClaim('exp', String(soon)), reason: `exp is "${soon}"` },
  { name: 'exp a date', token: withClaim('exp', '2999-01-01T00:00:00Z'), reason: 'exp is "2999-' },
  {
    name: 'exp a fraction, 301 s ago',
    token: () => issuer.token({ claims: { exp: nowInSeconds() - 301.5 } }),
    reason: 'expired 30',
  },
  { name: 'exp a list', token: withClaim('exp', [soon]), reason: `exp is [${soon}]` },
  {
    name: 'exp lists, as deep as a header holds',
    token: withLiteral('exp', '['.repeat(5_200) + ']'.repeat(5_200)),
    reason: /exp is|nested/,
  },
  { name: 'exp an object', token: withClaim('exp', { valueOf: soon }), reason: 'exp is {"valueOf":' },
  { name: 'exp negative', token: withClaim('exp', -1), reason: 'exp is -1, not a' },
  { name: 'exp 0', token: withClaim('exp', 0), reason: 'expired' },
  { name: 'exp in milliseconds', token: withClaim('exp', soon * 1000), reason: 'possibly in milliseconds' },
  { name: 'exp 1e400', token: withLiteral('exp', '1e400'), reason: /exp is (Infinity|too large)/ },
  { name: 'exp -1e400', token: withLiteral('exp', '-1e400'), reason: /exp is (-Infinity|too)/ },
  { name: 'exp past 2^53', token: withLiteral('exp', '9007199254740993'), reason: 'exp is 9007199254740992' },
  {
    name: 'exp 301 s ago',
    token: () => issuer.token({ claims: { exp: nowInSeconds() - 301 } }),
    reason: 'expired 30',
  },
];

const STARTS: readonly HostileToken[] = [
  {
    name: 'nbf in 10 minutes',
    token: () => issuer.token({ claims: { nbf: nowInSeconds() + 600 } }),
    reason: 'starts in',
  },
  {
    name: 'nbf in milliseconds',
    token: () => issuer.token({ claims: { nbf: Date.now() } }),
    reason: 'nbf is 1',
  },
  { name: 'nbf a string', token: withClaim('nbf', '0'), reason: 'nbf is "0"' },
  { name: 'nbf null', token: withClaim('nbf', null), reason: 'nbf is null' },
  { name: 'nbf negative', token: withClaim('nbf', -1), reason: 'nbf is -1' },
  { name: 'nbf 1e400', token: withLiteral('nbf', '1e400'), reason: /nbf is (Infinity|too large)/ },
  {
    name: 'iat in 10 minutes',
    token: () => issuer.token({ claims: { iat: nowInSeconds() + 600 } }),
    reason: 'in the future',
  },
  {
    name: 'iat in milliseconds',
    token: () => issuer.token({ claims: { iat: Date.now() } }),
    reason: 'iat is 1',
  },
  { name: 'iat a string', token: withClaim('iat', '0'), reason: 'iat is "0"' },
  { name: 'iat null', token: withClaim('iat', null), reason: 'iat is null' },
  { name: 'iat a list', token: withClaim('iat', [0]), reason: 'iat is [0]' },
];

const SPELLED_ALIKE: readonly (readonly [name: string, aud: unknown])[] = [
  ['with a trailing slash', `${AUDIENCE}/`],
  ['in another case', 'https://API.example.com'],
  ['a prefix of it', 'https://api.example.co'],
  ['with something behind it', `${AUDIENCE}.attacker.example`],
  ['with something in front', `x${AUDIENCE}`],
  ['with a path', `${AUDIENCE}/v1`],
  ['with the default port', `${AUDIENCE}:443`],
  ['with another scheme', 'http://api.example.com'],
  ['without scheme', 'api.example.com'],
  ['with a homoglyph', 'https://аpi.example.com'],
  ['with a character of no width', `${AUDIENCE}\u200b`],
  ['with a NUL behind it', `${AUDIENCE}\u0000`],
  ['with a space behind it', `${AUDIENCE} `],
  ['with a line break behind it', `${AUDIENCE}\n`],
  ['percent-encoded', 'https://api%2Eexample.com'],
  ['a list of near misses', [`${AUDIENCE}/`, 'https://API.example.com', 'https://other.example.com']],
  ['several in one string, joined by commas', `https://other.example.com,${AUDIENCE}`],
  ['several in one string, joined by spaces', `${AUDIENCE} https://other.example.com`],
  ['a list in a string', JSON.stringify([AUDIENCE])],
  ['an empty list', []],
  ['empty', ''],
  ['a pattern', '*'],
  ['that of another API', 'https://other.example.com'],
];

const MISTYPED: readonly (readonly [name: string, aud: unknown])[] = [
  ['null', null],
  ['a number', 1],
  ['an object', { [AUDIENCE]: true }],
  ['an object that looks like a list', { 0: AUDIENCE, length: 1 }],
  ['a list with a list', [[AUDIENCE]]],
  ['a list with it and a number', [AUDIENCE, 1]],
  ['a list with it and null', [AUDIENCE, null]],
  ['an object without a text of its own', { toString: 1, valueOf: 1 }],
];

const AUDIENCES: readonly HostileToken[] = [
  { name: 'aud missing', token: withClaim('aud', undefined), reason: 'aud is missing' },
  ...SPELLED_ALIKE.map(([name, aud]) => ({
    name: `aud ${name}`,
    token: withClaim('aud', aud),
    reason: /^aud is (?!missing).*, expected "https:\/\/api\.example\.com"/,
  })),
  ...MISTYPED.map(([name, aud]) => ({
    name: `aud ${name}`,
    token: withClaim('aud', aud),
    reason: 'aud is neither a string nor a list of strings',
  })),
  {
    name: 'aud a list of 257, this API among them',
    token: withClaim('aud', [...Array.from({ length: 256 }, (_, i) => `https://${i}.example`), AUDIENCE]),
    reason: 'aud names 257 audiences, more than 256',
  },
  {
    name: 'aud a list of 256 others',
    token: withClaim(
      'aud',
      Array.from({ length: 256 }, (_, i) => `https://${i}.example`),
    ),
    reason: /^aud is \["https:\/\/0.example",".{70,90}…, expected "https:\/\/api\.example\.com"$/,
  },
];

const ISSUERS: readonly (readonly [name: string, iss: unknown])[] = [
  ['with a trailing slash', `${ISSUER}/`],
  ['in another case', ISSUER.toLowerCase()],
  ['with its scheme in another case', ISSUER.replace('http:', 'HTTP:')],
  ['a prefix of it', issuer.server.origin],
  ['with something behind it', `${ISSUER}2`],
  ['of another tenant', `${issuer.server.origin}/Other`],
  ['by another name of the host', ISSUER.replace('127.0.0.1', 'localhost')],
  ['as user of another host', `${ISSUER}@${attacker.server.origin.slice(7)}`],
  ['with a way back', `${issuer.server.origin}/x/../Tenant`],
  ['percent-encoded', `${issuer.server.origin}/%54enant`],
  ['with a homoglyph', ISSUER.replace('Tenant', 'Tеnant')],
  ['with a query', `${ISSUER}?`],
  ['with a fragment', `${ISSUER}#`],
  ['with a space behind it', `${ISSUER} `],
  ['with a NUL behind it', `${ISSUER}\u0000`],
  ['its discovery document', `${ISSUER}/.well-known/openid-configuration`],
  ["an attacker's, who has a server and a key", attacker.server.issuer],
  ['empty', ''],
  ['null', null],
  ['a number', 1],
  ['a list with it', [ISSUER]],
  ['an object', { url: ISSUER }],
  ['an object without a text of its own', { toString: 1, valueOf: 1 }],
];

const FOREIGN: readonly HostileToken[] = [
  { name: 'iss missing', token: withClaim('iss', undefined), reason: 'iss is missing' },
  ...ISSUERS.map(([name, iss]) => ({
    name: `iss ${name}`,
    token: withClaim('iss', iss),
    reason: /^iss is (?!missing).*, expected "http:\/\/127\.0\.0\.1:\d+\/Tenant"/,
  })),
  {
    name: "iss an attacker's, signed by the attacker",
    token: () => issuer.token({ claims: { iss: attacker.server.issuer } }, attacker.key),
    reason: `iss is "${attacker.server.issuer}"`,
  },
];

const CONFIRMED: readonly (readonly [name: string, cnf: unknown, reason: string])[] = [
  ['a string', 'jkt', 'cnf is not an object'],
  ['null', null, 'cnf is not an object'],
  ['a list', [{ jkt: 'x' }], 'cnf is not an object'],
  ['with jkt, sent as Bearer (RFC 9449 section 7.2)', { jkt: 'x' }, 'a DPoP-bound token was sent as Bearer'],
  ['with jkt null', { jkt: null }, 'a DPoP-bound token was sent as Bearer'],
  [
    'with a thumbprint, without a certificate',
    { 'x5t#S256': 'x' },
    'bound to a certificate, and none was presented',
  ],
  ['with a thumbprint that is a number', { 'x5t#S256': 1 }, 'cnf.x5t#S256 is not a string'],
  ['with a thumbprint that is empty', { 'x5t#S256': '' }, 'bound to a certificate, and none was presented'],
];

const OTHERS: readonly HostileToken[] = [
  ...[1, null, ['user-1'], { id: 'user-1' }].map((sub) => ({
    name: `sub ${JSON.stringify(sub)}`,
    token: withClaim('sub', sub),
    reason: 'sub is not a string',
  })),
  { name: 'client_id a number', token: withClaim('client_id', 1), reason: 'client_id is not a string' },
  { name: 'jti a number', token: withClaim('jti', 1), reason: 'jti is not a string' },
  ...CONFIRMED.map(([name, cnf, reason]) => ({ name: `cnf ${name}`, token: withClaim('cnf', cnf), reason })),
];

describe.each(PLATFORMS)('%s', (platform) => {
  const gate = openGate(platform, issuer);

  it.each([...EXPIRIES, ...STARTS, ...AUDIENCES, ...FOREIGN, ...OTHERS])('refuses: $name', gate.refuses);

  it.each(['aud', 'iss'])('says that %s differs by a trailing slash only', async (claim) => {
    expectInvalidToken(
      await gate.present(issuer.token({ claims: { [claim]: `${String(issuer.claims()[claim])}/` } })),
    );
    expect(refusals()).toMatchObject([{ reason: expect.stringMatching(/: differs by a trailing slash$/) }]);
  });

  it('refuses a token that has expired since it was accepted', async () => {
    const token = issuer.token();
    expect((await gate.present(token)).status).toBe(200);
    jumpClock(600 + 300 + 1);
    expectInvalidToken(await gate.present(token));
    expect(refusals()).toMatchObject([{ reason: expect.stringContaining('expired') }]);
  });
});
