/** An issuer on a free port, and tokens of it: signed before the clock runs. */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';

export const AUDIENCE = 'https://api.example.com';

const MAKE = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

/** @typedef {{ issuer: string, keys: Record<string, { kid: string, publicKey, privateKey }>, close: () => void }} Issuer */

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** @returns {Promise<Issuer>} */
export async function startIssuer() {
  const keys = Object.fromEntries(
    Object.entries(MAKE).map(([alg, make]) => [alg, { alg, kid: `${alg}-key`, ...make() }]),
  );
  const jwks = {
    keys: Object.values(keys).map(({ alg, kid, publicKey }) => ({
      ...publicKey.export({ format: 'jwk' }),
      alg,
      kid,
      use: 'sig',
    })),
  };
  const server = createServer((request, response) => {
    const discovery = {
      issuer,
      jwks_uri: `${issuer}/jwks`,
      id_token_signing_alg_values_supported: ['RS256'],
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.url === '/jwks' ? jwks : discovery));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const issuer = `http://127.0.0.1:${server.address().port}`;
  return { issuer, keys, close: () => server.close() };
}

/** A token with the claims that providers write. */
export function makeToken({ issuer, keys }, alg = 'RS256', claims = {}) {
  const { kid, privateKey } = keys[alg];
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: issuer,
    sub: randomUUID(),
    aud: AUDIENCE,
    exp: now + 3 * 3600,
    iat: now,
    jti: randomUUID(),
    client_id: 'bench-client',
    scope: 'read:things write:things profile',
    groups: ['staff', 'sales'],
    ...claims,
  };
  const input = `${encode({ alg, typ: 'at+jwt', kid })}.${encode(payload)}`;
  const digest = alg === 'EdDSA' ? undefined : 'sha256';
  const signature = sign(digest, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

export function makeTokens(source, count, alg, claims) {
  return Array.from({ length: count }, () => makeToken(source, alg, claims));
}
