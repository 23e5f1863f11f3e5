/** What are the tokens signed with? Keys made at every start, so that nobody can have the private half. */
import { createPrivateKey, generateKeyPairSync, randomUUID, type JsonWebKey } from 'node:crypto';
import type { JWK, JWKS } from 'oidc-provider';

/** DER: a key that `generateKeyPairSync` returns can stop a process of Node.js 20 for ever when it is exported as a JWK. */
const publicKeyEncoding = { type: 'spki', format: 'der' } as const;
const privateKeyEncoding = { type: 'pkcs8', format: 'der' } as const;

function toJwk(der: Buffer, alg: string): JWK {
  const key: JsonWebKey = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }).export({
    format: 'jwk',
  });
  const { kty, crv, d, dp, dq, e, n, p, q, qi, x, y } = key;
  return { kid: randomUUID(), use: 'sig', alg, kty, crv, d, dp, dq, e, n, p, q, qi, x, y };
}

/** One RSA and one elliptic-curve key: APIs must pick the right one by `kid`. */
export function generateSigningKeys(): JWKS {
  const rsa = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding,
    privateKeyEncoding,
  }).privateKey;
  const ec = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding,
    privateKeyEncoding,
  }).privateKey;
  return { keys: [toJwk(rsa, 'RS256'), toJwk(ec, 'ES256')] };
}
