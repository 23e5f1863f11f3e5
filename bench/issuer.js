/** An issuer on a free port, and tokens of it: signed before the clock runs. */
import { createHash, randomBytes, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { generateKeys } from '../test/support/generate-keys.js';

export const AUDIENCE = 'https://api.example.com';

/** Milliseconds. */
const INTROSPECTION_TAKES = 20;

const MAKE = {
  RS256: () => generateKeys('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeys('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeys('ed25519'),
};

/** @typedef {{ issuer: string, keys: Record<string, { kid: string, publicKey, privateKey }>, calls: Record<string, number>, close: () => void }} Issuer */

/** A part of a JWT. */
export const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Of a JWK of RSA or an elliptic curve. RFC 7638 section 3. */
export function thumbprintOf({ crv, e, kty, n, x, y }) {
  const members = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

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
  const calls = {};
  const server = createServer((request, response) => {
    calls[request.url] = (calls[request.url] ?? 0) + 1;
    response.setHeader('content-type', 'application/json');
    if (request.url.startsWith('/jwks')) {
      response.end(JSON.stringify(jwks));
      return;
    }
    if (request.url === '/token') {
      request.resume();
      response.end(
        JSON.stringify({
          access_token: randomBytes(700).toString('base64url'),
          token_type: 'Bearer',
          expires_in: 3600,
        }),
      );
      return;
    }
    if (request.url === '/introspect') {
      request.resume();
      setTimeout(() => response.end(JSON.stringify(activeAt(issuer))), INTROSPECTION_TAKES);
      return;
    }
    response.end(
      JSON.stringify({
        issuer,
        jwks_uri: `${issuer}/jwks`,
        introspection_endpoint: `${issuer}/introspect`,
        token_endpoint: `${issuer}/token`,
        id_token_signing_alg_values_supported: ['RS256'],
      }),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const issuer = `http://127.0.0.1:${server.address().port}`;
  return { issuer, keys, calls, close: () => server.close() };
}

/** RFC 7662 section 2.2: of any token. */
function activeAt(issuer) {
  const now = Math.floor(Date.now() / 1000);
  return {
    active: true,
    token_type: 'Bearer',
    iss: issuer,
    sub: 'somebody',
    aud: AUDIENCE,
    exp: now + 3600,
    iat: now,
    client_id: 'bench-client',
    scope: 'read:things write:things profile',
  };
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

/** As long as a JWT would be, so that nobody has less to read. */
export function makeOpaqueTokens(count) {
  return Array.from({ length: count }, () => randomBytes(300).toString('hex'));
}
