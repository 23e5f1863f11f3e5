/** Generates key pairs that can be exported at any time. */
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
 * Generates keys as JWKs and imports these. The keys that `generateKeyPairSync` returns share a lock with the job that
 * generated them: on Node.js 20, a process hangs if that job is garbage-collected while a key is exported as a JWK.
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
