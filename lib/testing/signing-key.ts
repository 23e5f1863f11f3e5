/** Generates key pairs and signs JWTs with them. RFC 7515, RFC 7518. */
import { createHash, randomUUID, sign, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { generateKeys, type KeyPair } from './generate-keys.js';

/** The algorithms that a {@link TestIssuer} can sign with. */
export type TestAlgorithm = 'ES256' | 'RS256' | 'PS256' | 'EdDSA';

const GENERATE: Readonly<Record<TestAlgorithm, () => KeyPair>> = {
  ES256: () => generateKeys('ec', { namedCurve: 'P-256' }),
  RS256: () => generateKeys('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeys('rsa', { modulusLength: 2048 }),
  EdDSA: () => generateKeys('ed25519'),
};

export class SigningKey {
  readonly kid: string = randomUUID();
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;

  constructor(readonly alg: TestAlgorithm = 'ES256') {
    ({ publicKey: this.publicKey, privateKey: this.privateKey } = GENERATE[alg]());
  }

  /** The public key as an issuer publishes it. */
  get jwk(): JWK {
    return { ...this.bareJwk, kid: this.kid, alg: this.alg, use: 'sig' };
  }

  get bareJwk(): JWK {
    return this.publicKey.export({ format: 'jwk' });
  }

  /** Returns a signed JWT in compact form. Members that are `undefined` are omitted. */
  sign(header: object, claims: object): string {
    const input = signingInput(header, claims);
    const signature = sign(this.alg === 'EdDSA' ? null : 'sha256', Buffer.from(input), {
      key: this.privateKey,
      dsaEncoding: 'ieee-p1363',
      // RSA_PKCS1_PSS_PADDING, with a salt as long as the hash (RFC 7518 section 3.5).
      ...(this.alg === 'PS256' && { padding: 6, saltLength: 32 }),
    });
    return `${input}.${signature.toString('base64url')}`;
  }
}

/** Returns the encoded header and payload, which are to be signed. */
export function signingInput(header: object, claims: object): string {
  return [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('base64url');
}
