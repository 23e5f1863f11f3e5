/**
 * Starts an authorization server and a service that trusts it, tells the story of its messages over gRPC and TCP, and stays up
 * to be played with. `--once` ends after the story: 0 when all went as written, 1 otherwise.
 */
import { ensureEnvFile } from '#support/launch/env-file.js';
import { readFlags } from '#support/launch/flags.js';
import { startSample, type Played } from '#support/launch/start-sample.js';
import { discover, requestForClient } from '#support/story/client-credentials.js';
import { tellStory } from '#support/story/tell.js';
import { display, office, shop } from './idp/clients.js';
import { ORDERS } from './idp/resources.js';
import { PROTO } from './story/send.js';
import { writeSteps } from './story/steps.js';

const FOLDER = new URL('.', import.meta.url);

const { once } = readFlags('once');
ensureEnvFile(FOLDER, 'api');

async function play(): Promise<Played> {
  const server = await discover(new URL('http://localhost:4060'));
  const tokenOf = (client: typeof shop): Promise<string> =>
    requestForClient(server, client, ORDERS, client.scope);
  const tokens = { shop: await tokenOf(shop), office: await tokenOf(office) };
  const asWritten = await tellStory(writeSteps(tokens, () => tokenOf(display)));
  const curlLines = `# with grpcurl, and a token of the office
grpcurl -plaintext -proto ${PROTO} -H "authorization: Bearer ${tokens.office}" localhost:4062 orders.Orders/List`;
  return { asWritten, curlLines };
}

await startSample({
  folder: FOLDER,
  title: 'microservices',
  announcement: 'authorization server :4060, order service :4061 (HTTP), :4062 (gRPC), :4063 (TCP)',
  services: [
    { name: 'idp', port: 4060, readyPath: '/.well-known/openid-configuration' },
    { name: 'api', port: 4061, readyPath: '/status' },
  ],
  once,
  play,
});
