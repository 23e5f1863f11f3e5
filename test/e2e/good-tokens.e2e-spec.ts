/** What must still be accepted, however strict the rest is. RFC 7518 section 3.1, RFC 7519 section 4.1, RFC 9068 section 2, RFC 9864. */
import { Controller, Get } from '@nestjs/common';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Claims, Scopes } from 'nestjs-resource-server';
import { PLATFORMS } from '../support/app.js';
import { jumpClock } from '../support/clock.js';
import { openGate } from '../support/gate.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { republish } from '../support/spoil.js';
import { makeKey, nowInSeconds, type SigningKey, type TokenParts } from '../support/tokens.js';

@Controller('scoped')
@Scopes('read:things', 'write:things')
class ScopedController {
  @Get()
  read(@Claims('sub') sub: string): { readonly sub: string } {
    return { sub };
  }
}

const RSA = makeKey('RS256');
const ED25519 = makeKey('Ed25519');

/** One of each; `alg` as the token and the key set write it. */
const FAMILIES: readonly SigningKey[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) =>
    republish(RSA, `key-${alg}`, { alg }),
  ),
  ...['ES256', 'ES384', 'ES512'].map((alg) => makeKey(alg, `key-${alg}`)),
  ...['EdDSA', 'Ed25519'].map((alg) => republish(ED25519, `key-${alg}`, { alg })),
];

const EC = makeKey('ES256', 'ec');
/** Says nothing of itself but what it is. */
const BARE = makeKey('ES256', 'bare', { kid: undefined, alg: undefined, use: undefined });
const BARE_RSA = makeKey('RS256', 'bare-rsa', { kid: undefined, alg: undefined, use: undefined });
const FOR_VERIFYING = makeKey('ES256', 'for-verifying', { use: undefined, key_ops: ['verify'] });
const OLD_NAME = republish(makeKey('Ed25519'), 'old-name', { alg: 'EdDSA' });
const WITH_MORE = makeKey('ES256', 'with-more', {
  x5t: 'x',
  ext: true,
  'https://issuer.example/note': { a: 1 },
});

const issuer = await Issuer.start({}, EC);
afterAll(() => issuer.close());

const KEY_SET = [
  ...[...FAMILIES, BARE, BARE_RSA, FOR_VERIFYING, OLD_NAME, WITH_MORE].map(({ jwk }) => jwk),
  // What cannot be used here must not spoil the rest.
  { kty: 'AKP', kid: 'post-quantum', alg: 'ML-DSA-44', pub: 'AAAA' },
  { kty: 'oct', kid: 'symmetric', k: 'AAAA' },
  { kty: 'RSA', kid: 'broken', n: '!', e: 'AQAB', alg: 'RS256' },
];
issuer.server.keys.push(...KEY_SET);

type Good = readonly (readonly [name: string, parts: TokenParts, key?: SigningKey])[];

const SIGNED: Good = [
  ...FAMILIES.map((key) => [key.alg, {}, key] as const),
  ['Ed25519 by a key that calls it EdDSA', { header: { alg: 'Ed25519' } }, OLD_NAME],
  ['no kid', { header: { kid: undefined } }],
  ['no kid, one RSA key of several', { header: { kid: undefined } }, RSA],
  ['a key without kid, alg and use', { header: { kid: undefined } }, BARE],
  ['a kid that the key does not have', {}, BARE],
  ['PS256 by a key without alg', {}, { ...BARE_RSA, alg: 'PS256' }],
  ['RS512 by a key without alg', {}, { ...BARE_RSA, alg: 'RS512' }],
  ['a key for verifying', {}, FOR_VERIFYING],
  ['a key that says more', {}, WITH_MORE],
];

const HEADERS: Good = [
  ...['at+jwt', 'AT+JWT', 'At+Jwt', 'application/at+jwt', 'Application/AT+JWT', 'JWT', 'jwt', undefined].map(
    (typ) => [`typ ${String(typ)}`, { header: { typ } }] as const,
  ),
  ['parameters that are not known', { header: { x: 1, 'https://issuer.example/x': { y: [null] } } }],
  ['a cty', { header: { cty: 'application/json' } }],
  ['a nonce in what says it is an access token', { claims: { nonce: 'n-0S6_WzA2Mj' } }],
];

const CLAIMS: Good = [
  ['aud a list', { claims: { aud: ['https://other.example.com', AUDIENCE] } }],
  ['aud a list of one', { claims: { aud: [AUDIENCE] } }],
  ['aud a list beside a near miss', { claims: { aud: [`${AUDIENCE}/`, AUDIENCE] } }],
  [
    'no jti, client_id, groups and iat',
    { claims: { jti: undefined, client_id: undefined, groups: undefined, iat: undefined } },
  ],
  ['scope a list', { claims: { scope: ['write:things', 'read:things'] } }],
  ['scope with spaces to spare', { claims: { scope: '  read:things   write:things ' } }],
  ['scp a string', { claims: { scope: undefined, scp: 'read:things write:things' } }],
  ['scp a list', { claims: { scope: undefined, scp: ['read:things', 'write:things'] } }],
  ['a binding that is not known (RFC 7800 section 3.1)', { claims: { cnf: { 'x-other': 'x' } } }],
  ['an empty cnf', { claims: { cnf: {} } }],
  [
    'claims named like members of every object',
    { claims: { constructor: { prototype: 1 }, toString: 'x', valueOf: null } },
  ],
  [
    'claims that are not known',
    { claims: { 'https://issuer.example/tenant': { id: 1 }, '': '', 'a.b': [[]] } },
  ],
  ['nbf 0', { claims: { nbf: 0, iat: 0 } }],
  ['exp at the end of 9999', { claims: { exp: 253_402_300_799 } }],
  [
    'nbf and iat with fractions (RFC 7519 section 2)',
    { claims: { nbf: 1_700_000_000.5, iat: 1_700_000_000.25 } },
  ],
  ['exp with a fraction, as JetBrains Hub writes it', { claims: { exp: nowInSeconds() + 600.789 } }],
];

const GOOD = [...SIGNED, ...HEADERS, ...CLAIMS].map(([name, parts, key]) => ({ name, parts, key }));

describe.each(PLATFORMS)('%s', (platform) => {
  const gate = openGate(platform, issuer, { controllers: [ScopedController] });
  afterEach(() => expect(issuer.server.count('/jwks')).toBeLessThanOrEqual(PLATFORMS.length));

  it.each(GOOD)('accepts: $name', async ({ parts, key }) => {
    const token = issuer.token(parts, key);
    expect(await gate.present(token, '/scoped')).toMatchObject({ status: 200, body: { sub: 'user-1' } });
  });

  it('accepts: no sub', async () => {
    const answer = await gate.present(issuer.token({ claims: { sub: undefined } }));
    expect(answer).toMatchObject({ status: 200, body: { scope: 'read:things write:things' } });
  });

  // 300 seconds of tolerance, less what a slow machine takes for the request.
  it.each<readonly [string, Record<string, number>]>([
    ['exp, 295 s ago', { exp: -295 }],
    ['nbf, 300 s ahead', { nbf: 300 }],
    ['iat, 300 s ahead', { iat: 300 }],
  ])('accepts within the tolerance: %s', async (_, offsets) => {
    const now = nowInSeconds();
    const claims = Object.fromEntries(Object.entries(offsets).map(([name, offset]) => [name, now + offset]));
    expect(await gate.present(issuer.token({ claims }))).toMatchObject({ status: 200 });
  });
});

describe.each(PLATFORMS)('%s, later', (platform) => {
  const gate = openGate(platform, issuer);

  it('accepts a token until five minutes past its end', async () => {
    const token = issuer.token();
    jumpClock(600 + 295);
    expect(await gate.present(token)).toMatchObject({ status: 200 });
    jumpClock(6);
    expect(await gate.present(token)).toMatchObject({ status: 401 });
  });
});
