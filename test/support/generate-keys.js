/**
 * Key pairs, by way of their JWKs: those of `generateKeyPairSync` itself can stop a process of Node.js 20 for ever when they are
 * exported as JWKs (see lib/testing/generate-keys.ts).
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

const ENCODINGS = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'jwk' } };

export function generateKeys(type, options) {
  const { publicKey, privateKey } = generateKeyPairSync(type, { ...options, ...ENCODINGS });
  return {
    publicKey: createPublicKey({ key: publicKey, format: 'jwk' }),
    privateKey: createPrivateKey({ key: privateKey, format: 'jwk' }),
  };
}
