/** What revocations cost a known token in this process, and how long one takes to another process over Redis. */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createClient } from '@redis/client';
import { RedisRevocationStore, TokenRevocations } from '../dist/index.js';
import { makeToken, makeTokens } from './issuer.js';
import { median, printTable, spread } from './report.js';
import { measureWarm, startService } from './warm.js';

const TOKENS = 500;
const KNOWN = [0, 1, 100_000];
const SHARED = 500;

async function measureChecks(source, rounds) {
  const variants = [];
  for (const known of KNOWN) {
    const variant = await startService({ issuer: source.issuer });
    const revocations = variant.app.get(TokenRevocations);
    for (let i = 0; i < known; i++) await revocations.revoke({ sub: `user-${i}` });
    variants.push(variant);
  }
  const warm = await measureWarm(variants, makeTokens(source, TOKENS, 'ES256'), rounds);
  for (const { close } of variants) await close();
  return KNOWN.map((known, index) => ({ known, warm: warm[index] }));
}

async function startShared(issuer, prefix) {
  const client = createClient({ url: process.env.REDIS_URL });
  client.on('error', () => {});
  await client.connect();
  const instance = await startService({ issuer, revocationStore: new RedisRevocationStore(client, prefix) });
  const close = async () => {
    await instance.close();
    client.destroy();
  };
  return { ...instance, client, close };
}

/** Of this machine, so that two processes can compare. Milliseconds. */
const now = () => performance.timeOrigin + performance.now();

/** The other process: uses the token without a pause, and says when it was refused. */
async function runOther([issuer, prefix]) {
  const { validate } = await startShared(issuer, prefix);
  process.on('disconnect', () => process.exit());
  process.on('message', async (token) => {
    await validate(token);
    process.send('accepted');
    for (;;) {
      const refused = await validate(token).then(
        () => false,
        ({ reason }) => reason === 'revoked',
      );
      if (refused) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    process.send(now());
  });
  process.send('ready');
}

async function measureDelays(source) {
  const prefix = `{bench-${randomUUID()}}`;
  const here = await startShared(source.issuer, prefix);
  const revocations = here.app.get(TokenRevocations);
  const other = fork(fileURLToPath(import.meta.url), [source.issuer, prefix]);
  await once(other, 'message');
  const delays = [];
  for (let i = 0; i < SHARED; i++) {
    const sub = randomUUID();
    other.send(makeToken(source, 'ES256', { sub }));
    await once(other, 'message');
    const began = now();
    const refused = once(other, 'message');
    await revocations.revoke({ sub });
    delays.push((await refused)[0] - began);
  }
  other.disconnect();
  for (const name of ['by-id', 'by-end', 'number'])
    await here.client.sendCommand(['DEL', `${prefix}:${name}`]);
  await here.close();
  return delays.toSorted((a, b) => a - b);
}

/** @returns {Promise<{ checks: { known: number, warm: number[] }[], delays?: number[] }>} µs per token, by round; ms, sorted */
export async function measureRevocations({ source, rounds }) {
  const checks = await measureChecks(source, rounds);
  printTable(
    'Revocations: a known token, in process, µs',
    ['revocations known', 'warm', 'ratio'],
    checks.map(({ known, warm }) => [
      known.toLocaleString('en'),
      spread(warm, 2),
      (median(warm) / median(checks[0].warm)).toFixed(2),
    ]),
  );
  if (!process.env.REDIS_URL) {
    console.log('The time to another process is left out: REDIS_URL names no Redis');
    return { checks };
  }
  const delays = await measureDelays(source);
  const at = (share) => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))].toFixed(1);
  printTable(
    'Revocations: from the call of revoke() until another process refuses the token, ms',
    ['revocations', 'p50', 'p99', 'longest'],
    [[String(SHARED), at(0.5), at(0.99), at(1)]],
  );
  return { checks, delays };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runOther(process.argv.slice(2));
