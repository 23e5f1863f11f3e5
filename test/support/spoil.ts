/** Ways to spoil one part of a good token. */
import { createPrivateKey, createPublicKey, type JsonWebKey } from 'node:crypto';
import type { JWK } from 'jose';
import { generateKeys } from '../../lib/testing/generate-keys.js';
import { signatureOf, type SigningKey } from './tokens.js';

/** The same token with another signature. */
export function withSignature(token: string, spoil: (signature: Buffer) => Buffer): string {
  return withPart(token, 2, (part) => spoil(Buffer.from(part, 'base64url')).toString('base64url'));
}

/** The same token with the text of one part replaced; the signature covers what was there before. */
export function withPart(token: string, index: 0 | 1 | 2, spoil: (part: string) => string): string {
  return token
    .split('.')
    .map((part, i) => (i === index ? spoil(part) : part))
    .join('.');
}

/** A good signature over exactly this header and payload, however they are encoded. */
export function seal(key: SigningKey, header: string, payload: string): string {
  const input = `${header}.${payload}`;
  return `${input}.${signatureOf(key, input).toString('base64url')}`;
}

/** Another name, algorithm or description for a key that is there. */
export function republish(key: SigningKey, kid: string, { alg = key.alg, ...members }: JWK = {}): SigningKey {
  return { ...key, alg, kid, jwk: { ...key.jwk, alg, kid, ...members } };
}

/** Too short for RFC 7518 section 3.3, which asks for 2048 bits. */
export function makeSmallRsaKey(kid: string): SigningKey {
  const { publicKey, privateKey } = generateKeys('rsa', { modulusLength: 1024 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256' } as JWK;
  return { alg: 'RS256', kid, publicKey, privateKey, jwk };
}

/** A key that signs and verifies, with a public exponent of as many bits: verifying takes as long as the exponent is. */
export function makeExponentRsaKey(kid: string, bits: number, alg = 'RS256'): SigningKey {
  const good = generateKeys('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const [p, q] = [numberOf(good.p), numberOf(good.q)];
  let e = 2n ** BigInt(bits - 1) + 1n;
  while (greatestDivisor(e, (p - 1n) * (q - 1n)) !== 1n) e += 2n;
  const d = inverse(e, (p - 1n) * (q - 1n));
  const members = { e, d, dp: d % (p - 1n), dq: d % (q - 1n) };
  const jwk = Object.fromEntries(Object.entries(members).map(([name, value]) => [name, textOf(value)]));
  const privateKey = createPrivateKey({ key: { ...good, ...jwk } as JsonWebKey, format: 'jwk' });
  const publicKey = createPublicKey(privateKey);
  return {
    alg,
    kid,
    publicKey,
    privateKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg } as JWK,
  };
}

const numberOf = (member: unknown): bigint =>
  BigInt(`0x${Buffer.from(String(member), 'base64url').toString('hex')}`);

function textOf(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url');
}

function greatestDivisor(one: bigint, other: bigint): bigint {
  return other === 0n ? one : greatestDivisor(other, one % other);
}

/** By Euclid's extended algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r, nextR, t, nextT] = [modulus, value % modulus, 0n, 1n];
  while (nextR !== 0n) {
    const quotient = r / nextR;
    [r, nextR] = [nextR, r - quotient * nextR];
    [t, nextT] = [nextT, t - quotient * nextT];
  }
  return ((t % modulus) + modulus) % modulus;
}

/** A curve that ES256 does not mean, with coordinates of the same length. */
export function makeSecp256k1Key(kid: string): SigningKey {
  const { publicKey, privateKey } = generateKeys('ec', { namedCurve: 'secp256k1' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256' } as JWK;
  return { alg: 'ES256', kid, publicKey, privateKey, jwk };
}
