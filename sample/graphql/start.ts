/**
 * Starts an authorization server and a GraphQL API that trusts it, tells the story of its fields and of a subscription, and
 * stays up to be played with. `--once` ends after the story: 0 when all went as written, 1 otherwise.
 */
import { ensureEnvFile } from '#support/launch/env-file.js';
import { readFlags } from '#support/launch/flags.js';
import { startSample, type Played } from '#support/launch/start-sample.js';
import { discover, requestForClient } from '#support/story/client-credentials.js';
import { writeCurl } from '#support/story/curl.js';
import { tellStory } from '#support/story/tell.js';
import { display, office, shop } from './idp/clients.js';
import { ORDERS } from './idp/resources.js';
import { API } from './story/ask.js';
import { writeSteps } from './story/steps.js';

const FOLDER = new URL('.', import.meta.url);

const { once } = readFlags('once');
ensureEnvFile(FOLDER, 'api');

async function play(): Promise<Played> {
  const server = await discover(new URL('http://localhost:4050'));
  const tokenOf = (client: typeof shop): Promise<string> =>
    requestForClient(server, client, ORDERS, client.scope);
  const tokens = { shop: await tokenOf(shop), office: await tokenOf(office) };
  const asWritten = await tellStory(writeSteps(tokens, () => tokenOf(display)));
  const body = `${API} -H "Content-Type: application/json" -d "{\\"query\\":\\"{ motto orders { item margin } }\\"}"`;
  const curlLines = [
    writeCurl('orders, with a token of the office', body, tokens.office),
    writeCurl('the same with one of the shop: no margins', body, tokens.shop),
    writeCurl('the same without one: only the motto', body),
  ].join('\n');
  return { asWritten, curlLines };
}

await startSample({
  folder: FOLDER,
  title: 'graphql',
  announcement: 'authorization server :4050, GraphQL API :4051',
  services: [
    { name: 'idp', port: 4050, readyPath: '/.well-known/openid-configuration' },
    { name: 'api', port: 4051, readyPath: '/status' },
  ],
  once,
  play,
});
