/** An authorization server of a few lines, on a free port: discovery, a key, introspection, and tokens made with node:crypto. */
import { sign } from 'node:crypto';
import { createServer } from 'node:http';
import { generateKeys } from '../../support/generate-keys.js';

const AUDIENCE = 'https://api.example.com';
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function makeKey(kid) {
  const { privateKey, publicKey } = generateKeys('ec', { namedCurve: 'P-256' });
  return { privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' } };
}

/** @returns the environment that a consumer needs, with a token good for `read:orders` in it and a forged one, and `close()` */
export async function startIssuer() {
  let key = makeKey('key-1');
  const active = new Map();

  const server = createServer(async (request, response) => {
    const body = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
    const documents = {
      '/.well-known/openid-configuration': {
        issuer,
        jwks_uri: `${issuer}/jwks`,
        introspection_endpoint: `${issuer}/introspect`,
      },
      '/jwks': { keys: [key.jwk] },
      '/introspect': { active: active.has(body.get('token')), ...active.get(body.get('token')) },
    };
    const found = documents[request.url];
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? {}));
  });
  // Not by itself while a client keeps one open.
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const issuer = `http://127.0.0.1:${server.address().port}`;

  function mint(claims, signer = key) {
    const now = Math.floor(Date.now() / 1000);
    const payload = { iss: issuer, sub: 'ada', aud: AUDIENCE, iat: now, exp: now + 3600, ...claims };
    const input = `${encode({ alg: 'ES256', kid: signer.jwk.kid, typ: 'at+jwt' })}.${encode(payload)}`;
    const signature = sign('sha256', Buffer.from(input), {
      key: signer.privateKey,
      dsaEncoding: 'ieee-p1363',
    });
    const token = `${input}.${signature.toString('base64url')}`;
    if (signer === key) active.set(token, payload);
    return token;
  }

  return {
    environment: {
      MONOCLOUD_BACKEND_TENANT_DOMAIN: issuer,
      MONOCLOUD_BACKEND_AUDIENCE: AUDIENCE,
      TOKEN: mint({ scope: 'read:orders' }),
      FORGED_TOKEN: mint({ scope: 'read:orders' }, makeKey('key-1')),
    },
    /** To be added, where the issuer shall be asked about every token. */
    introspection: {
      MONOCLOUD_BACKEND_INTROSPECT_JWT_TOKENS: 'true',
      MONOCLOUD_BACKEND_CLIENT_ID: 'orders',
      MONOCLOUD_BACKEND_CLIENT_SECRET: 'a secret of the orders API',
    },
    mint,
    /** With another key, without its tokens, and without the connections that nobody uses at the moment. */
    startAgain() {
      key = makeKey('key-2');
      active.clear();
      server.closeIdleConnections();
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
