/** Accesses the cache that instances share. It is bypassed while it fails or is slow, so that no request fails because of it. */
import { withDeadline } from '../timing/deadline.js';
import type { Log } from '../errors/log.js';
import { Backoff } from '../timing/backoff.js';

/**
 * A custom cache that the instances of an application share. Keys are hashes, and values are encrypted text. Entries may be evicted at
 * any time. An error or a slow response counts as a miss.
 */
export interface ClaimsCache {
  get(key: string): unknown;
  /** @param ttlSeconds the time after which the value must be removed */
  set(key: string, value: string, ttlSeconds: number): unknown;
  delete(key: string): unknown;
}

/** The part of cache-manager's `Cache` (version 6 and later) that is used. Times are in milliseconds. */
export interface CacheManagerCache {
  get(key: string): Promise<unknown>;
  set(key: string, value: string, ttlMilliseconds: number): Promise<unknown>;
  del(key: string): Promise<unknown>;
}

/** The part of a Keyv that is used. Times are in milliseconds. */
export interface KeyvCache {
  readonly opts: object;
  get(key: string): Promise<unknown>;
  set(key: string, value: string, ttlMilliseconds: number): Promise<unknown>;
  delete(key: string): Promise<unknown>;
}

export interface CacheOptions {
  /**
   * Shares introspection responses between instances, in addition to the memory of each: a cache-manager
   * `Cache`, a Keyv or a `ClaimsCache` that [instances
   * share](../../docs/introspection.md#a-cache-that-instances-share).
   *
   * @default in memory
   */
  readonly cache?: ClaimsCache | CacheManagerCache | KeyvCache | undefined;
  /**
   * Encrypts the values in `cache`: at least 32 characters, the same in all instances. Anybody who knows
   * it and can write to the cache can forge tokens.
   *
   * Required for a `cache` if neither `clientSecret` nor `clientCertificateKey` is set. If it changes, all cached values are lost.
   *
   * @default the client's own secret or private key
   */
  readonly cacheSecret?: string | undefined;
}

/** The longest wait for the cache, in seconds: a slower one costs more time than it saves. */
const MAX_WAIT_SECONDS = 0.25;

export class SharedCache {
  readonly #cache: ClaimsCache;
  readonly #backoff = new Backoff();

  constructor(
    cache: NonNullable<CacheOptions['cache']>,
    private readonly log: Pick<Log, 'warn'>,
  ) {
    this.#cache = inSeconds(cache);
  }

  /** Returns an object with the cached value, which is `undefined` for a miss; `undefined` instead of it if the cache failed. */
  get(key: string): Promise<{ readonly result: unknown } | undefined> {
    return this.#attempt(() => this.#cache.get(key));
  }

  /** @returns whether the cache accepted the value */
  async set(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    const set = async (): Promise<void> => {
      // A Keyv returns `false` instead of throwing.
      if ((await this.#cache.set(key, value, ttlSeconds)) === false)
        throw new Error('the cache rejected the value');
    };
    return (await this.#attempt(set)) !== undefined;
  }

  /** @returns whether the cache responded */
  async delete(key: string): Promise<boolean> {
    return (await this.#attempt(() => this.#cache.delete(key))) !== undefined;
  }

  async #attempt(call: () => unknown): Promise<{ readonly result: unknown } | undefined> {
    if (this.#backoff.remaining > 0) return undefined;
    try {
      const result = await withDeadline(MAX_WAIT_SECONDS, call);
      this.#worked();
      return { result };
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #worked(): void {
    if (this.#backoff.failures > 0) this.log.warn('the shared cache works again');
    this.#backoff.succeed();
  }

  /** Logs once per outage. Calls that were in progress when a pause began do not extend it. */
  #failed(error: unknown): void {
    if (this.#backoff.remaining > 0) return;
    if (this.#backoff.failures === 0) {
      const reason = error instanceof Error ? error.name : 'it failed';
      this.log.warn(
        `the shared cache is bypassed while it fails (${reason}); tokens are introspected instead`,
      );
    }
    this.#backoff.fail();
  }
}

function inSeconds(cache: NonNullable<CacheOptions['cache']>): ClaimsCache {
  if ('del' in cache) {
    return {
      get: (key) => cache.get(key),
      set: (key, value, ttl) => cache.set(key, value, ttl * 1000),
      delete: (key) => cache.del(key),
    };
  }
  if (!('opts' in cache)) return cache;
  return {
    get: (key) => cache.get(key),
    set: (key, value, ttl) => cache.set(key, value, ttl * 1000),
    delete: (key) => cache.delete(key),
  };
}
