/**
 * oidc-provider in a process of its own. Told over IPC: { rotate } makes a new signing key and forgets the old one.
 * Prints nothing; says { issuer } when it listens.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const AUDIENCE = 'https://api.example.com';
const ALG = process.env.SIGNING_ALG ?? 'RS256';

function makeKey(alg) {
  const { privateKey } = alg.startsWith('ES')
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : alg.startsWith('Ed')
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid: randomUUID() };
}

/** oidc-provider reads its keys once: a rotation is a new provider behind the same address, with the same clients. */
function makeProvider(issuer) {
  const provider = new Provider(issuer, {
    // Its clients' ID tokens are RS256 as it comes, whatever signs the access tokens.
    jwks: { keys: [...new Set(['RS256', ALG])].map(makeKey) },
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
          jwt: { sign: { alg: ALG } },
        }),
      },
    },
  });
  provider.on('server_error', (_ctx, error) => process.stderr.write(`${error.stack}\n`));
  return provider.callback();
}

let handle;
const server = createServer((request, response) => handle(request, response));
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}${process.env.ISSUER_PATH ?? ''}`;
  handle = makeProvider(issuer);
  process.on('message', () => {
    handle = makeProvider(issuer);
    process.send({ rotated: true });
  });
  process.send({ issuer });
});
process.on('disconnect', () => process.exit());
