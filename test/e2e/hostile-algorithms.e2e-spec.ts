/** Who chooses the algorithm? Not the token: RFC 8725 sections 2.1, 3.1 and 3.2, RFC 7518 section 3.6. */
import { createPublicKey } from 'node:crypto';
import { afterAll, describe, expect, it } from '@jest/globals';
import { PLATFORMS } from '../support/app.js';
import { expectInvalidToken, openGate, type HostileToken } from '../support/gate.js';
import { Issuer } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';
import { withPart } from '../support/spoil.js';
import { encode, hmacToken, makeKey, signingInput, type SigningKey } from '../support/tokens.js';

const EC = makeKey('ES256', 'ec');
const RSA = makeKey('RS256', 'rsa');
const ED25519 = makeKey('Ed25519', 'ed25519');
const SHARED = { kty: 'oct', kid: 'shared', alg: 'HS256', k: encode('a secret that everybody can read') };

const issuer = await Issuer.start({}, EC);
issuer.server.keys.push(RSA.jwk, ED25519.jwk, SHARED);
afterAll(() => issuer.close());

/** HMAC keyed with what everybody can read. */
function hmac(secret: string | Buffer, alg: string, key: SigningKey): string {
  return hmacToken(secret, alg, signingInput(key, issuer.claims(), { header: { alg } }));
}

const spki = ({ publicKey }: SigningKey): string =>
  publicKey.export({ type: 'spki', format: 'pem' }).toString();
const bytes = (member: string | undefined): Buffer => Buffer.from(member ?? '', 'base64url');

/** Every form in which a public key lies about. */
const PUBLIC_KEYS: readonly (readonly [form: string, secret: string | Buffer, key: SigningKey])[] = [
  ['an RSA key in PEM (spki)', spki(RSA), RSA],
  ['an RSA key in PEM (spki) without the last line break', spki(RSA).trimEnd(), RSA],
  ['an RSA key in PEM (spki) with CRLF', spki(RSA).replaceAll('\n', '\r\n'), RSA],
  ['an RSA key in PEM (pkcs1)', RSA.publicKey.export({ type: 'pkcs1', format: 'pem' }), RSA],
  ['an RSA key in DER (spki)', RSA.publicKey.export({ type: 'spki', format: 'der' }), RSA],
  ['an RSA key in DER (pkcs1)', RSA.publicKey.export({ type: 'pkcs1', format: 'der' }), RSA],
  ['an RSA key as the published JWK', JSON.stringify(RSA.jwk), RSA],
  ['the bytes of n', bytes(RSA.jwk.n), RSA],
  ['n in base64url', RSA.jwk.n ?? '', RSA],
  ['an EC key in PEM (spki)', spki(EC), EC],
  ['an EC key in DER (spki)', EC.publicKey.export({ type: 'spki', format: 'der' }), EC],
  ['an EC key as the published JWK', JSON.stringify(EC.jwk), EC],
  [
    'an EC key as Node writes its JWK',
    JSON.stringify(createPublicKey(EC.privateKey).export({ format: 'jwk' })),
    EC,
  ],
  ['an EC point, uncompressed', Buffer.concat([Buffer.from([4]), bytes(EC.jwk.x), bytes(EC.jwk.y)]), EC],
  ['the bytes of x of an EC key', bytes(EC.jwk.x), EC],
  ['x of an EC key in base64url', EC.jwk.x ?? '', EC],
  ['an Ed25519 key in PEM (spki)', spki(ED25519), ED25519],
  ['an Ed25519 key as the published JWK', JSON.stringify(ED25519.jwk), ED25519],
  ['the bytes of x of an Ed25519 key', bytes(ED25519.jwk.x), ED25519],
  ['x of an Ed25519 key in base64url', ED25519.jwk.x ?? '', ED25519],
  ['nothing', '', EC],
];

const CONFUSED: readonly HostileToken[] = [
  ...PUBLIC_KEYS.map(([form, secret, key]) => ({
    name: `HS256 keyed with ${form}`,
    token: () => hmac(secret, 'HS256', key),
    reason: 'alg "HS256" is not accepted',
  })),
  ...['HS384', 'HS512'].flatMap((alg) =>
    [RSA, EC, ED25519].map((key) => ({
      name: `${alg} keyed with ${key.kid} in PEM`,
      token: () => hmac(spki(key), alg, key),
      reason: `alg "${alg}" is not accepted`,
    })),
  ),
  {
    name: 'HS256 keyed with a symmetric key that the issuer publishes',
    token: () => hmac(bytes(SHARED.k), 'HS256', { ...EC, kid: SHARED.kid }),
    reason: 'alg "HS256" is not accepted',
  },
  {
    name: 'HS256 keyed with a public key, without kid',
    token: () =>
      hmacToken(
        spki(EC),
        'HS256',
        signingInput(EC, issuer.claims(), { header: { alg: 'HS256', kid: undefined } }),
      ),
    reason: 'alg "HS256" is not accepted',
  },
];

const unsigned = (alg: string): string => signingInput(EC, issuer.claims(), { header: { alg } });

const UNSIGNED: readonly HostileToken[] = [
  ...['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'none\u0000'].map((alg) => ({
    name: `alg ${JSON.stringify(alg)} and an empty signature`,
    token: () => `${unsigned(alg)}.`,
    reason: `alg ${JSON.stringify(alg)} is not accepted`,
  })),
  {
    name: 'alg none and a signature that is good but for the alg',
    token: () => issuer.token({ header: { alg: 'none' } }),
    reason: 'alg "none" is not accepted',
  },
  {
    name: 'alg none and a signature of one byte',
    token: () => `${unsigned('none')}.AA`,
    reason: 'alg "none" is not accepted',
  },
  {
    name: 'alg na key without kid',
    token: () => issuer.token({ header: { alg: 'none', kid: undefined } }),
    reason: 'alg "none" is not accepted',
  },
  { name: 'alg none and two parts', token: () => unsigned('none'), reason: 'not a JWT' },
  { name: 'alg none and four parts', token: () => `${unsigned('none')}..`, reason: 'not a JWT' },
  {
    name: 'a good alg and an empty signature',
    token: () => withPart(issuer.token(), 2, () => ''),
    reason: /signature is (empty|missing)/,
  },
];

const ALGS: readonly (readonly [name: string, alg: unknown, quoted?: string])[] = [
  ['missing', undefined, 'undefined'],
  ['null', null],
  ['a number', 256],
  ['true', true],
  ['empty', ''],
  ['a list with a good one', ['ES256']],
  ['an object', { ES256: true }],
  ['in lower case', 'es256'],
  ['with a space behind it', 'ES256 '],
  ['not known', 'ES257'],
  ['ES256K (RFC 8812)', 'ES256K'],
  ['that of a key encryption', 'RSA-OAEP-256'],
  ['dir', 'dir'],
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
];

const MALFORMED: readonly HostileToken[] = ALGS.map(([what, alg, quoted = JSON.stringify(alg)]) => ({
  name: `alg ${what}`,
  token: () => issuer.token({ header: { alg } }),
  reason: `alg ${quoted} is not accepted`,
}));

/** Another algorithm than that of the key that the token names. */
const PRESENTED: readonly (readonly [key: SigningKey, alg: string])[] = [
  [RSA, 'PS256'],
  [RSA, 'RS384'],
  [RSA, 'ES256'],
  [EC, 'ES384'],
  [EC, 'ES512'],
  [EC, 'RS256'],
  [EC, 'EdDSA'],
  [ED25519, 'ES256'],
  [ED25519, 'RS256'],
];

const RENAMED: readonly HostileToken[] = PRESENTED.map(([key, alg]) => ({
  name: `signed with ${key.alg}, presented as ${alg}`,
  token: () => issuer.token({ header: { alg } }, key),
  reason: `no key of the issuer matches: kid "${key.kid}"`,
}));

describe.each(PLATFORMS)('%s', (platform) => {
  const gate = openGate(platform, issuer);

  it.each([...CONFUSED, ...UNSIGNED, ...MALFORMED, ...RENAMED])('refuses: $name', gate.refuses);

  it.each([EC, RSA, ED25519])('accepts what these are made of: $alg', async (key) => {
    expect(await gate.present(issuer.token({}, key))).toMatchObject({ status: 200, body: { sub: 'user-1' } });
  });
});

describe.each(PLATFORMS)('%s, before it has any keys', (platform) => {
  const gate = openGate(platform, issuer, { cold: true });

  it('asks for none on account of a token that no key can save', async () => {
    const asked = issuer.server.requests.length;
    for (const { token } of [...CONFUSED, ...UNSIGNED, ...MALFORMED]) {
      expectInvalidToken(await gate.present(keepSecret(await token())));
    }
    expect(issuer.server.requests.slice(asked)).toEqual([]);
  });
});
