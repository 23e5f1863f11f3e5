/** Where do the instances share which proofs were used? In Redis; a single instance can keep them to itself. */
import { Logger } from '@nestjs/common';
import { createClient } from '@redis/client';
import { MemoryReplayStore, RedisReplayStore, type ReplayStore } from 'nestjs-resource-server';

/** What this API's keys in Redis begin with. */
const KEY_PREFIX = 'dpop-sample:proof:';

const REPORT_EVERY_MS = 60_000;

export async function createReplayStore(url: string | undefined): Promise<ReplayStore> {
  if (!url) return new MemoryReplayStore();
  // Without Redis a request is to fail at once, with 503, and not to wait in a queue until there is one again.
  const client = createClient({ url, disableOfflineQueue: true });
  logErrors(client);
  await client.connect();
  return new RedisReplayStore(client, KEY_PREFIX);
}

/** AuthModule answers 503 while the store fails; this is the reason, for whoever runs Redis. */
function logErrors(client: { on(event: 'error', listener: (error: unknown) => void): unknown }): void {
  const log = new Logger('Redis');
  let silentUntil = 0;
  client.on('error', (error) => {
    if (Date.now() < silentUntil) return;
    silentUntil = Date.now() + REPORT_EVERY_MS;
    log.warn(error instanceof Error ? error.message : String(error));
  });
}
