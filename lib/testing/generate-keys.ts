/** Makes key pairs that can be exported at any time. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/**
 * By way of their JWKs. The keys that `generateKeyPairSync` returns share a lock with the job that made them: on Node.js 20 a
 * process stops for ever if that job is collected as garbage while one of them is exported as a JWK.
 */
export function generateKeys(
  type: 'rsa' | 'ec' | 'ed25519' | 'x25519',
  options: { readonly modulusLength?: number; readonly namedCurve?: string } = {},
): KeyPair {
  const encodings = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'jwk' } };
  const generate = generateKeyPairSync as unknown as (
    ...call: unknown[]
  ) => Record<keyof KeyPair, JsonWebKey>;
  const { publicKey, privateKey } = generate(type, { ...options, ...encodings });
  return {
    publicKey: createPublicKey({ key: publicKey, format: 'jwk' }),
    privateKey: createPrivateKey({ key: privateKey, format: 'jwk' }),
  };
}
