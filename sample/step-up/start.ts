/**
 * Starts an authorization server and a bank's API whose routes take more than a token; has a client act on each challenge; and
 * stays up to be played with. `--once` ends after the story: 0 when all went as written, 1 otherwise.
 */
import { ensureEnvFile } from '#support/launch/env-file.js';
import { readFlags } from '#support/launch/flags.js';
import { startSample, type Played } from '#support/launch/start-sample.js';
import { writeCurl } from '#support/story/curl.js';
import { tellStory } from '#support/story/tell.js';
import { BANK } from './idp/resources.js';
import { ann } from './idp/users.js';
import { BankApp } from './story/client.js';
import { writeSteps } from './story/steps.js';

const FOLDER = new URL('.', import.meta.url);

const { once } = readFlags('once');
ensureEnvFile(FOLDER, 'api');

async function play(): Promise<Played> {
  const app = new BankApp(ann);
  const asWritten = await tellStory(writeSteps(app));
  console.log('\nWhat the client did:');
  for (const line of app.journey) console.log(`    ${line}`);
  const curlLines = [
    writeCurl('the account', `${BANK}/account`, app.token),
    writeCurl(
      'a payment: 201 for five minutes, then 401 with max_age',
      `${BANK}/payments -X POST`,
      app.token,
    ),
    writeCurl('without a token: 401, and which scope', `${BANK}/account`),
  ].join('\n');
  return { asWritten, curlLines };
}

await startSample({
  folder: FOLDER,
  title: 'step-up',
  announcement: 'authorization server :4060, bank API :4061',
  services: [
    { name: 'idp', port: 4060, readyPath: '/.well-known/openid-configuration' },
    { name: 'api', port: 4061, readyPath: '/status' },
  ],
  once,
  play,
});
