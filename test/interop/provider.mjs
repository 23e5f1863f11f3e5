/**
 * As many oidc-providers as are asked for, in a process of their own. Told over IPC: { start: { alg, path } } starts one that
 * signs with this algorithm and a key of this kid, behind this path; { rotate: issuer } makes a new signing key and forgets
 * the old one; { stop: issuer } ends it. Each is answered with { issuer }. Prints nothing.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import { generateKeys } from '../support/generate-keys.js';

const AUDIENCE = 'https://api.example.com';

function makeKey(alg, kid = randomUUID()) {
  const { privateKey } = alg.startsWith('ES')
    ? generateKeys('ec', { namedCurve: 'P-256' })
    : alg.startsWith('Ed')
      ? generateKeys('ed25519')
      : generateKeys('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid };
}

/** oidc-provider reads its keys once: a rotation is a new provider behind the same address, with the same clients. */
function makeProvider(issuer, alg, kid) {
  const provider = new Provider(issuer, {
    // Its clients' ID tokens are RS256 as it comes, whatever signs the access tokens.
    jwks: { keys: [...new Set(['RS256', alg])].map((each) => makeKey(each, each === alg ? kid : undefined)) },
    cookies: { keys: [randomUUID()] },
    clients: [
      {
        client_id: 'client',
        client_secret: 'a-secret-of-the-client',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: (_ctx, resource) => ({
          audience: resource,
          scope: 'read:things write:things',
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg } },
        }),
      },
    },
  });
  provider.on('server_error', (_ctx, error) => process.stderr.write(`${error.stack}\n`));
  return provider.callback();
}

/** By issuer: makes its keys anew. */
const rotations = new Map();
/** By issuer: ends it. */
const ends = new Map();

async function start({ alg, path = '', kid }) {
  let handle;
  const server = createServer((request, response) => handle(request, response));
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const issuer = `http://127.0.0.1:${server.address().port}${path}`;
  rotations.set(issuer, () => (handle = makeProvider(issuer, alg, kid)));
  ends.set(issuer, () => {
    server.closeAllConnections();
    server.close();
  });
  rotations.get(issuer)();
  return issuer;
}

process.on('message', async (message) => {
  const issuer = message.rotate ?? message.stop ?? (await start(message.start));
  if (message.rotate) rotations.get(issuer)();
  if (message.stop) ends.get(issuer)();
  process.send({ issuer });
});
process.on('disconnect', () => process.exit());
