/**
 * Starts an authorization server that binds tokens to keys, and an API that holds them to it: two instances where there is
 * a Redis that they can share, else one. Tells the story of a theft, and stays up to be played with. `--once` ends after
 * the story: 0 when all went as written, 1 otherwise.
 */
import { createClient } from '@redis/client';
import { ensureEnvFile, readEnvFile } from '#support/launch/env-file.js';
import { readFlags } from '#support/launch/flags.js';
import { startSample, type Played } from '#support/launch/start-sample.js';
import { discover } from '#support/story/client-credentials.js';
import { tellStory } from '#support/story/tell.js';
import { writeTryLines } from './story/try-lines.js';
import { IDP, writeSteps } from './story/steps.js';
import { collectCast } from './story/cast.js';

const FOLDER = new URL('.', import.meta.url);
const DEFAULT_REDIS_URL = 'redis://127.0.0.1:6379';
const CONNECT_WITHIN_MS = 2000;

/** As the API will read it: the environment, then its `.env`. */
function findRedisUrl(): string {
  ensureEnvFile(FOLDER, 'api');
  return process.env.REDIS_URL ?? readEnvFile(FOLDER, 'api').REDIS_URL ?? DEFAULT_REDIS_URL;
}

function makeClient(url: string) {
  return createClient({ url, socket: { connectTimeout: CONNECT_WITHIN_MS, reconnectStrategy: false } });
}

/** Why there is none; `undefined` if one answers. */
async function missRedis(url: string): Promise<string | undefined> {
  if (url === '') return 'REDIS_URL is empty';
  let client: ReturnType<typeof makeClient> | undefined;
  try {
    client = makeClient(url);
    // What fails also rejects.
    client.on('error', () => undefined);
    await client.connect();
    await client.ping();
    return undefined;
  } catch (error) {
    // After several addresses, Node's error has a code and no message.
    const { message, code } = error as NodeJS.ErrnoException;
    return message || String(code);
  } finally {
    if (client?.isOpen) client.destroy();
  }
}

/** Host and port: the rest of the URL may hold a password. */
function placeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'REDIS_URL';
}

const { once } = readFlags('once');
const redisUrl = findRedisUrl();
const missing = await missRedis(redisUrl);
const isShared = missing === undefined;
if (!isShared) {
  console.log(
    `No Redis at ${placeOf(redisUrl)} (${missing}): one instance, which remembers used proofs in its own memory.`,
  );
}

async function play(): Promise<Played> {
  const cast = await collectCast(await discover(new URL(IDP)));
  const asWritten = await tellStory(writeSteps(cast, isShared));
  if (!isShared)
    console.log('One instance only: what happens at another one was left out. Start a Redis to see it.');
  return { asWritten, curlLines: await writeTryLines(cast, isShared) };
}

await startSample({
  folder: FOLDER,
  title: 'dpop',
  announcement: isShared
    ? `authorization server :4020, Order API :4021 (A) and :4022 (B), Redis ${placeOf(redisUrl)}`
    : 'authorization server :4020, Order API :4021 (A), no Redis',
  services: [
    { name: 'idp', port: 4020, readyPath: '/.well-known/openid-configuration' },
    ...(isShared ? ['4021', '4022'] : ['4021']).map((port, index) => ({
      name: index === 0 ? 'api-a' : 'api-b',
      program: 'api',
      port: Number(port),
      readyPath: '/status',
      environment: { PORT: port, REDIS_URL: isShared ? redisUrl : '' },
    })),
  ],
  once,
  play,
});
