/**
 * Starts an authorization server and a Model Context Protocol server that trusts it; has the official MCP client find its
 * way in, for two people; and stays up to be played with. `--once` ends after the story: 0 when all went as written, 1
 * otherwise.
 */
import { ensureEnvFile } from '#support/launch/env-file.js';
import { readFlags } from '#support/launch/flags.js';
import { startSample, type Played } from '#support/launch/start-sample.js';
import { writeCurl } from '#support/story/curl.js';
import { tellStory } from '#support/story/tell.js';
import { boss, clerk } from './idp/users.js';
import { ORDERS } from './idp/resources.js';
import { openAssistant } from './story/assistant.js';
import { writeSteps } from './story/steps.js';

const FOLDER = new URL('.', import.meta.url);

const { once } = readFlags('once');
ensureEnvFile(FOLDER, 'api');

async function play(): Promise<Played> {
  const cast = { clerk: await openAssistant(clerk), boss: await openAssistant(boss) };
  const wayIn = cast.boss.journey.length;
  console.log('The way of the official MCP client, which knew one address:');
  for (const line of cast.boss.journey) console.log(`    ${line}`);
  console.log();
  const asWritten = await tellStory(writeSteps(cast));
  console.log('\nThe way of the boss from there, with a call that takes another scope:');
  for (const line of cast.boss.journey.slice(wayIn)) console.log(`    ${line}`);
  const curlLines = [
    writeCurl('where to get a token', 'http://localhost:4041/.well-known/oauth-protected-resource/mcp'),
    writeCurl('the tools, with a token of the boss', toolsList, cast.boss.token()),
    writeCurl('the same without one: 401, and where to go', toolsList),
  ].join('\n');
  return { asWritten, curlLines };
}

const toolsList = `${ORDERS} -H "Content-Type: application/json" -H "Accept: application/json, text/event-stream" -d "{\\"jsonrpc\\":\\"2.0\\",\\"id\\":1,\\"method\\":\\"tools/list\\"}"`;

await startSample({
  folder: FOLDER,
  title: 'mcp-server',
  announcement: 'authorization server :4040, MCP server :4041',
  services: [
    { name: 'idp', port: 4040, readyPath: '/.well-known/openid-configuration' },
    { name: 'api', port: 4041, readyPath: '/status' },
  ],
  once,
  play,
});
