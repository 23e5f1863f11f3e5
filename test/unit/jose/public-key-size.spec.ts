/** What is too small, too large or too costly to be imported; what issuers write oddly still is. */
import { describe, expect, it } from '@jest/globals';
import { generateKeys } from '../../../lib/testing/generate-keys.js';
import { importPublicKey } from '../../../lib/jose/verify-signature.js';

type Jwk = Readonly<Record<string, unknown>>;

const rsa = generateKeys('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
const ec = generateKeys('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const ed25519 = generateKeys('ed25519').publicKey.export({ format: 'jwk' });

const bytes = (first: number, length: number): string => {
  const octets = Buffer.alloc(length, 0xff);
  octets[0] = first;
  return octets.toString('base64url');
};
const behindZeros = (zeros: number, n = ''): string =>
  Buffer.concat([Buffer.alloc(zeros), Buffer.from(n, 'base64url')]).toString('base64url');

/** `undefined`: it is imported. */
function problemOf(alg: string, jwk: Jwk): string | undefined {
  try {
    importPublicKey(alg, jwk);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('an RSA key', () => {
  it.each<[string, Jwk, string | undefined]>([
    ['of 2047 bits', { n: bytes(0x7f, 256) }, 'an RSA key of 2047 bits'],
    ['of 2048 bits', { n: bytes(0x80, 256) }, undefined],
    ['of 8192 bits', { n: bytes(0x80, 1024) }, undefined],
    ['of 8193 bits', { n: bytes(0x01, 1025) }, 'an RSA key of 8193 bits'],
    ['of 100,000 bits', { n: bytes(0x80, 12_500) }, 'n is longer than 1400 characters'],
    ['of no bits', { n: '' }, 'an RSA key of 0 bits'],
    ['of zeros', { n: Buffer.alloc(256).toString('base64url') }, 'an RSA key of 0 bits'],
    ['without a modulus', { n: undefined }, 'n is not a string'],
    ['with a list for a modulus', { n: [rsa.n] }, 'n is not a string'],
    ['with leading zeros', { n: behindZeros(3, rsa.n) }, undefined],
    ['of 1,400 characters', { n: behindZeros(26, bytes(0x80, 1024)) }, undefined],
    ['of 1,402 characters', { n: behindZeros(27, bytes(0x80, 1024)) }, 'n is longer than 1400 characters'],
    ['with padding', { n: `${rsa.n}==` }, undefined],
    ['with the exponent 0', { e: 'AA' }, 'an RSA key with an invalid exponent'],
    ['with the exponent 1', { e: 'AQ' }, 'an RSA key with an invalid exponent'],
    ['with an even exponent', { e: 'AQAA' }, 'an RSA key with an invalid exponent'],
    ['with the exponent 3', { e: 'Aw' }, undefined],
    ['with the exponent 2^32 - 1', { e: bytes(0xff, 4) }, undefined],
    ['with leading zeros in the exponent', { e: 'AAAAAAEAAQ' }, undefined],
    ['with an exponent of 33 bits', { e: bytes(0x01, 5) }, 'an RSA key with an exponent of 5 octets'],
    ['with an exponent of 3,000 bits', { e: bytes(0xff, 375) }, 'an RSA key with an exponent of 375 octets'],
    ['without an exponent', { e: undefined }, 'e is not a string'],
  ])('%s', (_, members, problem) => {
    for (const alg of ['RS256', 'PS512']) expect(problemOf(alg, { ...rsa, ...members })).toBe(problem);
  });
});

describe('a key on a curve', () => {
  it('is imported', () => {
    expect([problemOf('ES256', { ...ec }), problemOf('EdDSA', { ...ed25519 })]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it.each<[string, string, Jwk, string]>([
    ['ES256', 'with a coordinate too long', { ...ec, x: bytes(1, 33) }, 'a coordinate of 33 octets'],
    ['ES256', 'with a coordinate too short', { ...ec, y: 'AAAA' }, 'a coordinate of 0 octets'],
    ['ES256', 'without a coordinate', { ...ec, y: undefined }, 'y is not a string'],
    ['ES256', 'of 6,000 characters', { ...ec, x: 'A'.repeat(6000) }, 'x is longer than 1400 characters'],
    ['Ed25519', 'too long', { ...ed25519, x: bytes(1, 33) }, 'a coordinate of 33 octets'],
    ['Ed25519', 'too short', { ...ed25519, x: bytes(1, 16) }, 'a coordinate of 16 octets'],
  ])('of %s, %s', (alg, _, jwk, problem) => {
    expect(problemOf(alg, jwk)).toBe(problem);
  });
});
