/** Defines the store of used DPoP proofs, and one in Redis. RFC 9449 section 11.1. */
import { AuthError } from '../errors/auth.errors.js';

/** The data of a proof that a store may use in addition to its identifier. */
export interface UsedProof {
  /** The thumbprint of the client's key (RFC 7638), for a limit per key, so that one client cannot fill the store. */
  readonly key: string;
  /** The time at which the proof was created, in seconds since 1970. */
  readonly time: number;
}

/**
 * Records used DPoP proofs (put-if-absent). Several instances of an API must share one; otherwise a proof is accepted once by each.
 * Implementations: {@link MemoryReplayStore} (default) and {@link RedisReplayStore}.
 */
export interface ReplayStore {
  /**
   * Stores an identifier for this number of seconds.
   *
   * @returns `true` if it was not stored before, otherwise `false`; atomically: of concurrent calls exactly one returns `true`
   * @throws any error if this cannot be determined: the request is then answered with 503
   */
  add(id: string, ttlSeconds: number, proof?: UsedProof): Promise<boolean> | boolean;
}

/**
 * It cannot be determined now whether a proof was used before: 503 with `Retry-After`. A replay is never accepted.
 */
export class ReplayStoreError extends AuthError {
  readonly code = 'replay_store_unavailable';
  readonly status = 503;
  readonly retryAfter = 1;

  constructor(options: { readonly detail: string; readonly cause?: unknown }) {
    super('Whether the DPoP proof was used before cannot be checked', options);
  }

  override get headers(): Readonly<Record<string, string>> {
    return { 'Retry-After': String(this.retryAfter) };
  }
}

/** A connected client of node-redis or ioredis. */
export type RedisClient =
  | { sendCommand(command: string[]): Promise<unknown> }
  | { call(command: string, ...parameters: string[]): Promise<unknown> };

/**
 * A {@link ReplayStore} in Redis for several instances (`SET NX EX`), through the application's own client. Configure
 * `maxmemory-policy noeviction`: if Redis evicts a key, its proof can be used again.
 *
 * @example
 * ```ts
 * AuthModule.forRoot({ dpop: { replayStore: new RedisReplayStore(redis) } });
 * ```
 */
export class RedisReplayStore implements ReplayStore {
  constructor(
    private readonly client: RedisClient,
    private readonly prefix = 'nestjs-resource-server:dpop:',
  ) {}

  async add(id: string, ttlSeconds: number): Promise<boolean> {
    const command = ['SET', this.prefix + id, '1', 'NX', 'EX', String(Math.ceil(ttlSeconds))] as const;
    const [name, ...parameters] = command;
    const answer = await ('call' in this.client
      ? this.client.call(name, ...parameters)
      : this.client.sendCommand([...command]));
    if (answer === 'OK') return true;
    if (answer === null) return false;
    throw new Error('Redis answered neither OK nor nil');
  }
}
