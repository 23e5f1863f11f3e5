/**
 * Starts an authorization server and a chat whose gateway trusts it, has clients connect, write and renew their tokens, and
 * keeps running with a page to try it in a browser. `--once` ends after the table: 0 if every row is as expected, 1 otherwise.
 */
import { ensureEnvFile } from '#support/launch/env-file.js';
import { readFlags } from '#support/launch/flags.js';
import { startSample, type Played } from '#support/launch/start-sample.js';
import { writeCurl } from '#support/story/curl.js';
import { tellStory } from '#support/story/tell.js';
import { signInBoth, writeSteps } from './story/steps.js';

const FOLDER = new URL('.', import.meta.url);
const PAGE_URL = 'http://localhost:4071';

const { once } = readFlags('once');
ensureEnvFile(FOLDER, 'api');

async function play(): Promise<Played> {
  const asWritten = await tellStory(writeSteps(...(await signInBoth())));
  return { asWritten, curlLines: writeCurl('the page', `${PAGE_URL}/`) };
}

await startSample({
  folder: FOLDER,
  title: 'chat',
  announcement: 'authorization server :4070, chat :4071',
  services: [
    { name: 'idp', port: 4070, readyPath: '/.well-known/openid-configuration' },
    { name: 'api', port: 4071, readyPath: '/settings' },
  ],
  once,
  invitation: `In a browser: ${PAGE_URL}`,
  play,
});
