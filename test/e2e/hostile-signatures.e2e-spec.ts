/** Did a key of the issuer sign exactly this? RFC 7515 section 5.2, RFC 7518 sections 3.3 to 3.5, RFC 8037, RFC 8725 section 3.3. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { constants, sign } from 'node:crypto';
import { PLATFORMS } from '../support/app.js';
import { Attacker } from '../support/attacker.js';
import { expectInvalidToken, openGate, refusals, type HostileToken } from '../support/gate.js';
import { Issuer } from '../support/issuer.js';
import {
  makeExponentRsaKey,
  makeSecp256k1Key,
  makeSmallRsaKey,
  republish,
  withPart,
  withSignature,
} from '../support/spoil.js';
import { encode, makeKey, signatureOf, type SigningKey } from '../support/tokens.js';

const EC = makeKey('ES256', 'ec');
const ED25519 = makeKey('Ed25519', 'ed25519');
const RSA = makeKey('RS256', 'rsa');
const PSS = makeKey('PS256', 'pss');
/** Does not say which algorithm it is for: only the signature can tell. */
const ANY_RSA = makeKey('RS256', 'any-rsa', { alg: undefined });
const P384 = makeKey('ES384', 'p384');

/** Keys that the issuer publishes and that must not verify an access token. */
const SMALL = makeSmallRsaKey('small');
const LONG_EXPONENT = makeExponentRsaKey('long-exponent', 33);
const LONGEST_EXPONENT = makeExponentRsaKey('longest-exponent', 32);
const LARGE = republish(RSA, 'large', { n: Buffer.alloc(1025, 1).toString('base64url') });
const SECP256K1 = makeSecp256k1Key('secp256k1');
const FOR_ENCRYPTION = makeKey('RS256', 'for-encryption', { alg: undefined, use: 'enc' });
const FOR_WRAPPING = makeKey('RS256', 'for-wrapping', {
  alg: undefined,
  use: undefined,
  key_ops: ['wrapKey'],
});
const FOR_SIGNING = makeKey('ES256', 'for-signing', { use: undefined, key_ops: ['sign'] });
const LEAKED = makeKey('ES256', 'leaked');
const MISNAMED = republish(P384, 'misnamed', { alg: 'ES256' });
const OFF_CURVE = republish(makeKey('ES256'), 'off-curve', {
  y: encode(Buffer.alloc(32, 1).toString('latin1')),
});

const issuer = await Issuer.start({}, EC);
issuer.server.keys.push(
  ...[ED25519, RSA, PSS, ANY_RSA, P384, SMALL, LONG_EXPONENT, LONGEST_EXPONENT, LARGE, SECP256K1].map(
    ({ jwk }) => jwk,
  ),
  ...[FOR_ENCRYPTION, FOR_WRAPPING, FOR_SIGNING, MISNAMED, OFF_CURVE].map(({ jwk }) => jwk),
  { ...LEAKED.privateKey.export({ format: 'jwk' }), ...LEAKED.jwk },
);
const attacker = await Attacker.start();
afterAll(() => Promise.all([issuer.close(), attacker.close()]));

const ORDER_OF_P256 = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
const ORDER_OF_ED25519 = 2n ** 252n + 27742317777372353535851937790883648493n;
const ZERO = Buffer.alloc(32);
const ONE = Buffer.from('01'.padStart(64, '0'), 'hex');
const r = (signature: Buffer): Buffer => signature.subarray(0, 32);
const s = (signature: Buffer): Buffer => signature.subarray(32);

const flipped = (byte: Buffer): Buffer => Buffer.from([byte.readUInt8() ^ 1]);

const SPOILED: readonly (readonly [name: string, key: SigningKey, spoil: (signature: Buffer) => Buffer])[] = [
  ['of zeroes', EC, () => Buffer.alloc(64)],
  ['with r = 0', EC, (signature) => Buffer.concat([ZERO, s(signature)])],
  ['with s = 0', EC, (signature) => Buffer.concat([r(signature), ZERO])],
  ['with r = s = 1', EC, () => Buffer.concat([ONE, ONE])],
  ['with r = s = the order of the curve', EC, () => Buffer.concat([ORDER_OF_P256, ORDER_OF_P256])],
  ['with r and s swapped', EC, (signature) => Buffer.concat([s(signature), r(signature)])],
  ['truncated', EC, (signature) => signature.subarray(0, 63)],
  ['cut to r', EC, r],
  ['with a byte behind it', EC, (signature) => Buffer.concat([signature, Buffer.from([0])])],
  ['twice', EC, (signature) => Buffer.concat([signature, signature])],
  [
    'with one bit flipped',
    EC,
    (signature) => Buffer.concat([signature.subarray(0, 63), flipped(signature.subarray(63))]),
  ],
  ['of one byte', EC, () => Buffer.from([1])],
  ['of zeroes', RSA, () => Buffer.alloc(256)],
  ['of 0xff', RSA, () => Buffer.alloc(256, 0xff)],
  ['truncated', RSA, (signature) => signature.subarray(0, 255)],
  ['with a zero in front', RSA, (signature) => Buffer.concat([Buffer.from([0]), signature])],
  ['of zeroes', PSS, () => Buffer.alloc(256)],
  ['of zeroes', ED25519, () => Buffer.alloc(64)],
  ['truncated', ED25519, (signature) => signature.subarray(0, 63)],
  [
    'with the order of the group added to S (RFC 8032 section 5.1.7)',
    ED25519,
    (signature) => Buffer.concat([r(signature), asBytes(asNumber(s(signature)) + ORDER_OF_ED25519)]),
  ],
];

const input = (token: string): Buffer => Buffer.from(token.slice(0, token.lastIndexOf('.')));

const SIGNATURES: readonly HostileToken[] = [
  ...SPOILED.map(([name, key, spoil]) => ({
    name: `an ${key.alg} signature ${name}`,
    token: () => withSignature(issuer.token({}, key), spoil),
    reason: 'the signature does not verify',
  })),
  {
    name: 'an ES256 signature in DER',
    token: () =>
      resigned(issuer.token(), (token) =>
        sign('sha256', input(token), { key: EC.privateKey, dsaEncoding: 'der' }),
      ),
    reason: 'the signature does not verify',
  },
  {
    name: 'a PS256 signature without salt (RFC 7518 section 3.5)',
    token: () =>
      resigned(issuer.token({}, PSS), (token) =>
        sign('sha256', input(token), {
          key: PSS.privateKey,
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: 0,
        }),
      ),
    reason: 'the signature does not verify',
  },
  {
    name: 'the signature of another token',
    token: () => withPart(issuer.token(), 2, () => issuer.token().split('.')[2] ?? ''),
    reason: 'the signature does not verify',
  },
  {
    name: 'a signature over another payload',
    token: () => withPart(issuer.token(), 1, () => encode({ ...issuer.claims(), scope: 'admin' })),
    reason: 'the signature does not verify',
  },
  {
    name: 'a signature over another header',
    token: () => withPart(issuer.token(), 0, () => encode({ alg: 'ES256', kid: EC.kid })),
    reason: 'the signature does not verify',
  },
  {
    name: 'a signature over the payload alone',
    token: () => resigned(issuer.token(), (token) => signatureOf(EC, token.split('.')[1] ?? '')),
    reason: 'the signature does not verify',
  },
  {
    name: "an attacker's key under the issuer's kid",
    token: () => issuer.token({}, { ...attacker.key, kid: EC.kid }),
    reason: 'the signature does not verify',
  },
  {
    name: "an attacker's key under its own kid",
    token: () => issuer.token({}, attacker.key),
    reason: 'no key of the issuer matches',
    mayRefetch: true,
  },
  {
    name: "an attacker's key without kid",
    token: () => issuer.token({ header: { kid: undefined } }, attacker.key),
    reason: 'no key of the issuer matches',
    mayRefetch: true,
  },
  ...['PS256', 'RS384', 'RS512', 'PS512'].map((alg) => ({
    name: `signed with RS256, presented as ${alg} to a key for any algorithm`,
    token: () => issuer.token({ header: { alg } }, ANY_RSA),
    reason: 'the signature does not verify',
  })),
];

const KEYS: readonly HostileToken[] = [
  {
    name: 'an RSA key of 1024 bits',
    token: () => issuer.token({}, SMALL),
    reason: 'the signature does not verify',
    warning: /key "small" cannot be used: an RSA key of 1024 bits/,
  },
  {
    name: 'an RSA key of 8193 bits',
    token: () => issuer.token({}, LARGE),
    reason: 'the signature does not verify',
    warning: /key "large" cannot be used: an RSA key of 8193 bits/,
  },
  {
    name: 'a good signature of an RSA key with an exponent of 33 bits',
    token: () => issuer.token({}, LONG_EXPONENT),
    reason: 'the signature does not verify',
    warning: /key "long-exponent" cannot be used: an RSA key with an exponent of 5 octets/,
  },
  {
    name: 'a key whose private part the issuer publishes',
    token: () => issuer.token({}, LEAKED),
    reason: 'the signature does not verify',
    warning: /key "leaked" cannot be used: the key set publishes its private part/,
  },
  {
    name: 'a key that is not on its curve',
    token: () => issuer.token({}, OFF_CURVE),
    reason: 'the signature does not verify',
    warning: /key "off-curve" cannot be used/,
  },
  ...[SECP256K1, FOR_ENCRYPTION, FOR_WRAPPING, FOR_SIGNING, MISNAMED].map((key) => ({
    name: `the key ${key.kid}`,
    token: () => issuer.token({}, key),
    reason: `no key of the issuer matches: kid "${key.kid}"`,
  })),
  {
    name: 'a key on P-384 that the issuer calls ES256, with its own ES384',
    token: () => issuer.token({}, { ...MISNAMED, alg: 'ES384' }),
    reason: `no key of the issuer matches: kid "misnamed"`,
  },
];

/** As RFC 8032 writes numbers: little-endian. */
function asNumber(bytes: Buffer): bigint {
  return bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

function asBytes(value: bigint): Buffer {
  return Buffer.from(Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn)));
}

function resigned(token: string, resign: (token: string) => Buffer): string {
  return withSignature(token, () => resign(token));
}

describe.each(PLATFORMS)('%s', (platform) => {
  const gate = openGate(platform, issuer);

  it.each(SIGNATURES)('refuses: $name', gate.refuses);

  it.each<readonly [string, 0 | 1 | 2, (token: string) => string]>([
    ['header', 0, () => encode({ alg: EC.alg, kid: EC.kid })],
    ['payload', 1, () => encode({ ...issuer.claims(), scope: 'admin' })],
    ['signature', 2, () => issuer.token().split('.')[2] ?? ''],
  ])('refuses what differs from an accepted token in its %s alone', async (_, index, other) => {
    const token = issuer.token();
    expect(await gate.present(token)).toMatchObject({ status: 200 });
    expectInvalidToken(await gate.present(withPart(token, index, other)));
    expect(refusals()).toMatchObject([{ reason: 'the signature does not verify' }]);
    expect(await gate.present(token)).toMatchObject({ status: 200 });
  });

  it.each([EC, RSA, PSS, ANY_RSA, P384, ED25519, LONGEST_EXPONENT])(
    'accepts what these are made of: $kid',
    async (key) => {
      expect(await gate.present(issuer.token({}, key))).toMatchObject({
        status: 200,
        body: { sub: 'user-1' },
      });
    },
  );
});

describe.each(PLATFORMS)('%s, keys', (platform) => {
  const gate = openGate(platform, issuer);

  it.each(KEYS)('refuses: $name', gate.refuses);
});

describe.each(PLATFORMS)('%s, asked for again', (platform) => {
  const gate = openGate(platform, issuer);

  it('only when a token names a key that is not there', async () => {
    const asked = issuer.server.requests.length;
    for (const key of [SMALL, SECP256K1, FOR_ENCRYPTION, MISNAMED]) {
      expectInvalidToken(await gate.present(issuer.token({}, key)));
    }
    expect(issuer.server.requests.slice(asked)).toEqual([]);

    expectInvalidToken(await gate.present(issuer.token({}, attacker.key)));
    expect(issuer.server.requests.slice(asked)).toEqual(['/jwks']);
  });
});
