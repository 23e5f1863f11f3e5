/** What does Redis get to see? Prints it, and looks for the tokens in it. */
import { createClient } from '@keyv/redis';
import { KEY_PREFIX } from '../api/redis-cache.js';

const CONNECT_WITHIN_MS = 2000;
const VALUE_WIDTH = 80;
/** Shorter parts may be the same by chance. */
const PART_LENGTH = 8;

/** There is none, or it does not let us in. */
export class NoRedisError extends Error {
  override readonly name = 'NoRedisError';
}

interface Entry {
  readonly key: string;
  readonly value: string;
  /** Seconds. */
  readonly ttl: number;
}

function makeClient(url: string) {
  return createClient({ url, socket: { connectTimeout: CONNECT_WITHIN_MS, reconnectStrategy: false } });
}

type Client = ReturnType<typeof makeClient>;

/** @throws {NoRedisError} whatever goes wrong there */
async function withRedis<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  let client: Client | undefined;
  try {
    client = makeClient(url);
    // What fails also rejects.
    client.on('error', () => undefined);
    await client.connect();
    return await use(client);
  } catch (error) {
    // After several addresses, Node's error has a code and no message.
    const { message, code } = error as NodeJS.ErrnoException;
    throw new NoRedisError(message || String(code));
  } finally {
    if (client?.isOpen) client.destroy();
  }
}

/** Ours only, and in portions: another application may use the same Redis. */
async function listKeys(client: Client): Promise<string[]> {
  const keys: string[] = [];
  for await (const portion of client.scanIterator({ MATCH: `${KEY_PREFIX}::*` })) keys.push(...portion);
  return keys.toSorted();
}

/** Removes what an earlier start has left. */
export function clearRedis(url: string): Promise<void> {
  return withRedis(url, async (client) => {
    const keys = await listKeys(client);
    if (keys.length > 0) await client.unlink(keys);
  });
}

/** Whether there is something in it, and no part of a token. */
export async function showRedis(url: string, tokens: readonly string[]): Promise<boolean> {
  const entries = await withRedis(url, async (client) => {
    const read = async (key: string): Promise<Entry> => ({
      key,
      value: (await client.get(key)) ?? '',
      ttl: await client.ttl(key),
    });
    return Promise.all((await listKeys(client)).map(read));
  });

  console.log(
    `\nAll that lies in Redis (${entries.length} keys, each with its first ${VALUE_WIDTH} characters):\n`,
  );
  for (const { key, value, ttl } of entries) {
    console.log(
      `${key}  (for ${ttl} s)\n    ${value.slice(0, VALUE_WIDTH)}${value.length > VALUE_WIDTH ? '…' : ''}`,
    );
  }
  const dump = JSON.stringify(entries);
  const found = tokens.filter((token) => partsOf(token).some((part) => dump.includes(part)));
  console.log(
    `\nRedis contains ${found.length} of ${tokens.length} tokens, not even ${PART_LENGTH} characters of one.`,
  );
  return entries.length > 0 && found.length === 0;
}

function partsOf(token: string): string[] {
  const count = token.length - PART_LENGTH + 1;
  return Array.from({ length: count }, (_, start) => token.slice(start, start + PART_LENGTH));
}
