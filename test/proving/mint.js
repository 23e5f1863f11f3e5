/** Keys and tokens. Every part of a token can be said in so many words; what is not said is good. */
import { createHmac, randomUUID, sign } from 'node:crypto';
import { generateKeys } from '../support/generate-keys.js';

export const AUDIENCE = 'https://api.example.com';

const GENERATE = {
  RS: () => generateKeys('rsa', { modulusLength: 2048 }),
  PS: () => generateKeys('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeys('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeys('ec', { namedCurve: 'P-384' }),
  Ed: () => generateKeys('ed25519'),
};

export function makeKey(alg = 'ES256', members = {}) {
  const { publicKey, privateKey } = (GENERATE[alg] ?? GENERATE[alg.slice(0, 2)])();
  const kid = randomUUID();
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig', ...members };
  return { alg, kid, publicKey, privateKey, jwk };
}

export const encode = (text) => Buffer.from(text).toString('base64url');

export const seconds = () => Math.floor(Date.now() / 1000);

export function goodHeader({ alg, kid }) {
  return { alg, typ: 'at+jwt', kid };
}

export function goodClaims(issuer) {
  const now = seconds();
  return {
    iss: issuer,
    sub: `user-${randomUUID().slice(0, 8)}`,
    aud: AUDIENCE,
    exp: now + 3600,
    iat: now,
    client_id: 'client-1',
    scope: 'read:things write:things',
    groups: ['staff'],
  };
}

/** A good token but for the members named; `undefined` removes one. */
export function goodToken(issuer, key, claims = {}, header = {}) {
  const input = [
    { ...goodHeader(key), ...header },
    { ...goodClaims(issuer), ...claims },
  ];
  return signText(key, ...input.map((part) => JSON.stringify(part)));
}

export function signText(key, headerText, payloadText) {
  const input = `${encode(headerText)}.${encode(payloadText)}`;
  return `${input}.${signatureOf(key, input).toString('base64url')}`;
}

export function signatureOf({ alg, privateKey }, input, dsaEncoding = 'ieee-p1363') {
  const hash = alg.startsWith('Ed') ? null : `sha${alg.slice(2)}`;
  const padding = alg.startsWith('PS') ? { padding: 6, saltLength: Number(alg.slice(2)) / 8 } : {};
  return sign(hash, Buffer.from(input), { key: privateKey, dsaEncoding, ...padding });
}

/** The classic: HMAC with what everybody can read. */
export function hmacOf({ publicKey }, input) {
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  return createHmac('sha256', pem).update(input).digest();
}
