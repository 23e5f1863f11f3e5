/** What are the tokens signed with? Keys made at every start, so that nobody can have the private half. */
import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import type { JWK, JWKS } from 'oidc-provider';

function exportKey(key: KeyObject, alg: string): JWK {
  const { kty, crv, d, dp, dq, e, n, p, q, qi, x, y } = key.export({ format: 'jwk' });
  return { kid: randomUUID(), use: 'sig', alg, kty, crv, d, dp, dq, e, n, p, q, qi, x, y };
}

/** One RSA and one elliptic-curve key: APIs must pick the right one by `kid`. */
export function generateSigningKeys(): JWKS {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  return { keys: [exportKey(rsa, 'RS256'), exportKey(ec, 'ES256')] };
}
