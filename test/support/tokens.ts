/** Keys and tokens: good by default, each test spoils one part. */
import { createHmac, randomUUID, sign, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { generateKeys, type KeyPair } from '../../lib/testing/generate-keys.js';

export interface SigningKey {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** As the issuer publishes it. */
  readonly jwk: JWK;
}

const GENERATE: Record<string, () => KeyPair> = {
  RS: () => generateKeys('rsa', { modulusLength: 2048 }),
  PS: () => generateKeys('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeys('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeys('ec', { namedCurve: 'P-384' }),
  ES512: () => generateKeys('ec', { namedCurve: 'P-521' }),
  Ed: () => generateKeys('ed25519'),
};

export function makeKey(alg = 'ES256', kid: string = randomUUID(), members: JsonWebKey = {}): SigningKey {
  const generate = GENERATE[alg] ?? GENERATE[alg.slice(0, 2)];
  if (!generate) throw new Error(`no key for ${alg}`);
  const { publicKey, privateKey } = generate();
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig', ...members } as JWK;
  return { alg, kid, privateKey, publicKey, jwk };
}

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export interface TokenParts {
  /** Members that replace or (undefined) remove those of a good header. */
  readonly header?: Record<string, unknown>;
  /** Members that replace or (undefined) remove those of a good payload. */
  readonly claims?: Record<string, unknown>;
  /** The header's or payload's text, where an object cannot say it. */
  readonly headerText?: string;
  readonly payloadText?: string;
}

/** Claims as of the moment when the token is made, for tables that are made when the file is loaded. */
export const claimsOf = (claims: () => Record<string, unknown>): TokenParts => ({
  get claims() {
    return claims();
  },
});

export const nowInSeconds = (): number => Math.floor(Date.now() / 1000);

export function goodClaims(issuer: string, audience: string): Record<string, unknown> {
  const now = nowInSeconds();
  return {
    iss: issuer,
    sub: 'user-1',
    aud: audience,
    exp: now + 600,
    iat: now,
    jti: randomUUID(),
    client_id: 'client-1',
    scope: 'read:things write:things',
    groups: ['staff'],
  };
}

/** Header and payload of a token, encoded, ready to be signed. */
export function signingInput(
  key: SigningKey,
  claims: Record<string, unknown>,
  parts: TokenParts = {},
): string {
  const header = parts.headerText ?? { alg: key.alg, typ: 'at+jwt', kid: key.kid, ...parts.header };
  return `${encode(header)}.${encode(parts.payloadText ?? { ...claims, ...parts.claims })}`;
}

export function signToken(key: SigningKey, claims: Record<string, unknown>, parts: TokenParts = {}): string {
  const input = signingInput(key, claims, parts);
  return `${input}.${signatureOf(key, input).toString('base64url')}`;
}

export function signatureOf({ alg, privateKey }: SigningKey, input: string): Buffer {
  const hash = alg.startsWith('Ed') ? null : `sha${alg.slice(2)}`;
  return sign(hash, Buffer.from(input), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
    ...(alg.startsWith('PS') && { padding: 6, saltLength: Number(alg.slice(2)) / 8 }),
  });
}

/** The classic: HMAC with what everybody can read. */
export function hmacToken(secret: Buffer | string, alg: string, input: string): string {
  const hash = `sha${alg.slice(2)}`;
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`;
}
