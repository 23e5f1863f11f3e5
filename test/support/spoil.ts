/** Ways to spoil one part of a good token. */
import { generateKeyPairSync } from 'node:crypto';
import type { JWK } from 'jose';
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
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256' } as JWK;
  return { alg: 'RS256', kid, publicKey, privateKey, jwk };
}

/** A curve that ES256 does not mean, with coordinates of the same length. */
export function makeSecp256k1Key(kid: string): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256' } as JWK;
  return { alg: 'ES256', kid, publicKey, privateKey, jwk };
}
