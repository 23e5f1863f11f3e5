/** Where do the instances share what they know about tokens? In Redis, through Keyv and cache-manager. */
import { createKeyv } from '@keyv/redis';
import { Logger } from '@nestjs/common';
import { createCache, type Cache } from 'cache-manager';

/** What this API's keys in Redis begin with. */
export const KEY_PREFIX = 'opaque-tokens';

const REPORT_EVERY_MS = 60_000;

export function createRedisCache(url: string): Cache {
  // As it comes, Keyv makes a silent miss of a failure: `forget` would not say then that Redis was not reached.
  const keyv = createKeyv(url, { namespace: KEY_PREFIX, throwOnErrors: true });
  logErrors(keyv);
  return createCache({ stores: [keyv] });
}

/** AuthModule does without a cache that fails, and says so once; this is the reason, for whoever runs Redis. */
function logErrors(keyv: ReturnType<typeof createKeyv>): void {
  const log = new Logger('Redis');
  let silentUntil = 0;
  keyv.on('error', (error: unknown) => {
    if (Date.now() < silentUntil) return;
    silentUntil = Date.now() + REPORT_EVERY_MS;
    log.warn(error instanceof Error ? error.message : String(error));
  });
}
