/** Shares revocations through Redis: published for speed, and stored for instances that start later or were disconnected. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseStrictObject } from '../jose/strict-json.js';
import { readRevocation, type Revocation } from './revocation.js';
import {
  MAX_REVOCATIONS,
  type RevocationListener,
  type RevocationStore,
  type RevocationStoreObserver,
} from './revocation-store.js';

/** The separate connection for the subscription, as node-redis's `duplicate()` creates it. */
export interface RevocationSubscriber {
  /** Without a listener Node ends the process for a connection that is lost. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  /** node-redis 5, and 4.7 and later. */
  destroy?(): unknown;
  /** node-redis 4. */
  disconnect?(): unknown;
}

/** The part of a node-redis client that is used. docs/revocation.md shows an adapter for ioredis. */
export interface RevocationRedisClient {
  /** `false` while the client is not connected: commands would then wait instead of failing. */
  readonly isReady?: boolean;
  sendCommand(command: string[]): Promise<unknown>;
  duplicate(): RevocationSubscriber;
}

/**
 * Removes expired entries first, at most 1,000 per call, by the clock of Redis. The number counts all entries that were ever
 * added: from it, a subscriber detects that it missed one, or that Redis has lost its data.
 */
const PURGE = `
local now = redis.call('TIME')
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now[1], 'LIMIT', 0, 1000)
if #old > 0 then
  redis.call('HDEL', KEYS[1], unpack(old))
  redis.call('ZREM', KEYS[2], unpack(old))
end
`;
const ADD = `${PURGE}
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return -1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
local number = redis.call('INCR', KEYS[3])
redis.call('PUBLISH', ARGV[5], number .. ' ' .. ARGV[6] .. ' ' .. ARGV[2])
return 1
`;
const LAST_NUMBER = `${PURGE}
return tonumber(redis.call('GET', KEYS[3]) or '0')
`;

/** The interval at which a subscriber compares the entries that it received with those in Redis. */
const POLL_MS = 500;
const PAGE = '1000';

/**
 * A {@link RevocationStore} in Redis (5 or later) or Valkey, through the application's own client of node-redis. The client must
 * be connected; the subscription uses a separate connection, created by `client.duplicate()`.
 *
 * A client that can write to this Redis can revoke tokens. It cannot undo a revocation in instances that know it.
 *
 * @example
 * ```ts
 * const client = createClient({ url: 'redis://127.0.0.1:6379' }); // of @redis/client or redis
 * await client.connect();
 * AuthModule.forRoot({ revocationStore: new RedisRevocationStore(client) });
 * ```
 */
export class RedisRevocationStore implements RevocationStore {
  readonly #keys: readonly string[];
  readonly #channel: string;

  /**
   * @param prefix of the keys and the channel; the braces keep the keys together in a Redis Cluster
   * @param max the maximum number of revocations; a revocation that still applies is never evicted. @default 1,000,000
   */
  constructor(
    private readonly client: RevocationRedisClient,
    prefix = '{nestjs-resource-server:revocations}',
    private readonly max = MAX_REVOCATIONS,
  ) {
    this.#keys = [`${prefix}:by-id`, `${prefix}:by-end`, `${prefix}:number`];
    this.#channel = `${prefix}:added`;
  }

  /** @throws {Error} if Redis cannot be reached, or the store is full */
  async add(revocation: Revocation): Promise<boolean> {
    const { id, until } = revocation;
    const now = String(Date.now() / 1000);
    const answer = await this.#evaluate(ADD, [
      id,
      JSON.stringify(revocation),
      String(until),
      String(this.max),
      this.#channel,
      now,
    ]);
    if (answer === 1) return true;
    if (answer === 0) return false;
    throw new Error(answer === -1 ? 'the revocation store is full' : 'Redis sent an unexpected response');
  }

  /** @throws {Error} if Redis cannot be reached */
  async list(): Promise<readonly Revocation[]> {
    const found = new Map<string, Revocation>();
    const [byId = ''] = this.#keys;
    let cursor = '0';
    do {
      const answer = await this.#send(['HSCAN', byId, cursor, 'COUNT', PAGE]);
      const [next, entries] = Array.isArray(answer) ? (answer as readonly unknown[]) : [];
      if (next === undefined || !Array.isArray(entries)) throw new Error('Redis sent an unexpected response');
      for (let i = 1; i < entries.length; i += 2) {
        const revocation = parse(String(entries[i]));
        if (revocation) found.set(revocation.id, revocation);
      }
      cursor = String(next as string | number);
      // Other requests run between the pages.
      await nextTurn();
    } while (cursor !== '0');
    return [...found.values()];
  }

  subscribe(listener: RevocationListener, observer?: RevocationStoreObserver): () => void {
    const subscription = new Subscription(
      this.#channel,
      () => this.client.duplicate(),
      () => this.#lastNumber(),
      listener,
      observer,
    );
    return () => subscription.end();
  }

  async #lastNumber(): Promise<number> {
    const answer = await this.#evaluate(LAST_NUMBER, []);
    if (typeof answer !== 'number') throw new Error('Redis sent an unexpected response');
    return answer;
  }

  #evaluate(script: string, parameters: readonly string[]): Promise<unknown> {
    return this.#send(['EVAL', script, String(this.#keys.length), ...this.#keys, ...parameters]);
  }

  async #send(command: string[]): Promise<unknown> {
    if (this.client.isReady === false) throw new Error('Redis is not connected');
    return this.client.sendCommand(command);
  }
}

/** Receives published revocations, and detects that it missed some. */
class Subscription {
  readonly #timer: NodeJS.Timeout;
  #connection: RevocationSubscriber | undefined;
  #isOver = false;
  #isAsking = false;
  #isFailing = false;
  /** The number of the last entry that was received, or is known otherwise. */
  #heard: number | undefined;
  /** The number that Redis returned at the last poll. */
  #polled: number | undefined;

  constructor(
    private readonly channel: string,
    private readonly connect: () => RevocationSubscriber,
    private readonly lastNumber: () => Promise<number>,
    private readonly listener: RevocationListener,
    private readonly observer: RevocationStoreObserver | undefined,
  ) {
    this.#timer = setInterval(() => void this.#poll(), POLL_MS).unref();
    void this.#open();
    void this.#poll();
  }

  end(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#close();
  }

  async #open(): Promise<void> {
    let connection: RevocationSubscriber | undefined;
    try {
      connection = this.connect();
      this.#connection = connection;
      // The client reconnects by itself; the poll detects what it misses in the meantime.
      connection.on('error', () => undefined);
      await connection.connect();
      await connection.subscribe(this.channel, (message) => this.#hear(message));
      if (this.#isOver) this.#close();
      // Entries that were added before the subscription were not received.
      else this.observer?.recovered();
    } catch (error) {
      // The next poll opens a new connection.
      if (this.#connection === connection) this.#close();
      this.#fail(error);
    }
  }

  #close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    try {
      const closed: unknown = connection?.destroy ? connection.destroy() : connection?.disconnect?.();
      if (closed instanceof Promise) closed.catch(() => undefined);
    } catch {
      // The connection was not open.
    }
  }

  #hear(message: string): void {
    const [, number = '', addedAt = '', json = ''] = /^(\d+) (\d+(?:\.\d+)?) (.*)$/s.exec(message) ?? [];
    const revocation = parse(json);
    if (!revocation || this.#isOver) return;
    const isNext = this.#heard === undefined || Number(number) <= this.#heard + 1;
    this.#heard = Math.max(this.#heard ?? 0, Number(number));
    this.listener(revocation, Math.max(0, Date.now() / 1000 - Number(addedAt)));
    if (!isNext) this.observer?.recovered();
  }

  /** A client that is disconnected queues commands, so a poll without a response until the next one has failed. */
  async #poll(): Promise<void> {
    if (this.#isAsking) {
      this.#fail(new Error('Redis does not respond'));
      return;
    }
    this.#isAsking = true;
    const heard = this.#heard ?? 0;
    try {
      const number = await this.lastNumber();
      if (this.#isOver) return;
      if (!this.#connection) void this.#open();
      this.#compare(number, heard);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isAsking = false;
    }
  }

  /** @param heardBefore the number of the last entry that was received before the poll */
  #compare(number: number, heardBefore: number): void {
    // Entries of the last poll would have been received by now. A smaller number means that Redis has lost data.
    const hasMissed = this.#polled !== undefined && (this.#heard ?? 0) < this.#polled;
    const hasLost = number < Math.max(this.#polled ?? 0, heardBefore);
    // The connection may be dead without an error: the next poll opens another.
    if (hasMissed) this.#close();
    if (this.#heard === undefined || hasMissed || hasLost) this.#heard = number;
    this.#polled = number;
    if (!this.#isFailing && !hasMissed && !hasLost) return;
    this.#isFailing = false;
    this.observer?.recovered();
  }

  #fail(error: unknown): void {
    if (this.#isOver || this.#isFailing) return;
    this.#isFailing = true;
    this.observer?.failed(error);
  }
}

/** Returns `undefined` for an entry that is not valid, because the data in Redis is not trusted. */
function parse(json: string): Revocation | undefined {
  try {
    return readRevocation(parseStrictObject(Buffer.from(json)));
  } catch {
    return undefined;
  }
}
