/**
 * Starts an authorization server and two instances of one API behind one Redis, tells the story of their tokens, and
 * stays up to be played with. `--once` ends after the story: 0 when all went as written, 1 otherwise.
 */
import { ensureEnvFile, readEnvFile } from '#support/launch/env-file.js';
import { readFlags } from '#support/launch/flags.js';
import { nameCommand, startSample, type Played } from '#support/launch/start-sample.js';
import { discover } from '#support/story/client-credentials.js';
import { tellStory } from '#support/story/tell.js';
import { writeCurlLines } from './story/curl-lines.js';
import { clearRedis, NoRedisError, showRedis } from './story/redis-content.js';
import { IDP, writeSteps } from './story/steps.js';
import { collectTokens } from './story/tokens.js';

const FOLDER = new URL('.', import.meta.url);
const DEFAULT_REDIS_URL = 'redis://127.0.0.1:6379';

/** As the API will read it: the environment, then its `.env`. */
function findRedisUrl(): string {
  ensureEnvFile(FOLDER, 'api');
  return process.env.REDIS_URL || readEnvFile(FOLDER, 'api').REDIS_URL || DEFAULT_REDIS_URL;
}

/** Host and port: the rest of the URL may hold a password. */
function placeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'REDIS_URL';
}

async function refuseMissingRedis(url: string): Promise<void> {
  try {
    await clearRedis(url);
  } catch (error) {
    if (!(error instanceof NoRedisError)) throw error;
    console.error(`No Redis for us at ${placeOf(url)}: ${error.message}

The two instances of this sample share one. Start one of these:
  docker run --rm -p 127.0.0.1:6379:6379 redis
  apt install redis-server                           (Debian, Ubuntu; as root)
  brew install redis && brew services start redis    (macOS)
or name yours in REDIS_URL (redis://user:password@host:6379, rediss:// for TLS). Then run
  ${nameCommand()}
again.`);
    process.exit(1);
  }
}

async function countQuestions(): Promise<number> {
  const response = await fetch(`${IDP}/demo/introspections`);
  return Number(Object(await response.json()).introspections);
}

const { once } = readFlags('once');
const redisUrl = findRedisUrl();
await refuseMissingRedis(redisUrl);

async function play(): Promise<Played> {
  const tokens = await collectTokens(await discover(new URL(IDP)));
  const asWritten = await tellStory(writeSteps(tokens), countQuestions);
  console.log(`The authorization server was asked ${await countQuestions()} times in all.`);
  const keepsSecrets = await showRedis(redisUrl, Object.values(tokens));
  return { asWritten: asWritten && keepsSecrets, curlLines: writeCurlLines(tokens) };
}

await startSample({
  folder: FOLDER,
  title: 'opaque-tokens',
  announcement: `authorization server :4010, Payment API :4011 (A) and :4012 (B), Redis ${placeOf(redisUrl)}`,
  services: [
    { name: 'idp', port: 4010, readyPath: '/.well-known/openid-configuration' },
    ...(['4011', '4012'] as const).map((port, index) => ({
      name: index === 0 ? 'api-a' : 'api-b',
      program: 'api',
      port: Number(port),
      readyPath: '/status',
      environment: { PORT: port, REDIS_URL: redisUrl },
    })),
  ],
  once,
  play,
});
