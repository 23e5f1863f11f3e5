/** Was the vector copied as it stands in the RFC? Verified with node:crypto alone, with no code of the library. */
import { constants, createHmac, createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import type { Jwk } from './check-vector.js';

const PLAIN: Readonly<Record<string, { readonly hash: string | null; readonly pssSalt?: number }>> = {
  RS256: { hash: 'sha256' },
  PS384: { hash: 'sha384', pssSalt: 48 },
  ES256: { hash: 'sha256' },
  ES512: { hash: 'sha512' },
  EdDSA: { hash: null },
};

export function verifiesPlainly(alg: string, jwk: Jwk, jws: string): boolean {
  const dot = jws.lastIndexOf('.');
  const signed = Buffer.from(jws.slice(0, dot));
  const signature = Buffer.from(jws.slice(dot + 1), 'base64url');
  if (alg === 'HS256') {
    const secret = Buffer.from(String(jwk['k']), 'base64url');
    return createHmac('sha256', secret).update(signed).digest().equals(signature);
  }
  const how = PLAIN[alg];
  if (!how) throw new Error(`no vector uses ${alg}`);
  const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  const pss = how.pssSalt !== undefined && {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: how.pssSalt,
  };
  return verify(how.hash, signed, { key, dsaEncoding: 'ieee-p1363', ...pss }, signature);
}
