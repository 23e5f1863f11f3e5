/** Stores that remember used DPoP proofs. RFC 9449 section 11.1. */
import { AuthError } from '../errors/auth.errors.js';

/** What a store may want to know of the proof beside its identifier. */
export interface UsedProof {
  /** The thumbprint of the client's key (RFC 7638): for a share per key, so that one client cannot fill the store. */
  readonly key: string;
  /** When the proof was made, in seconds since 1970. */
  readonly time: number;
}

/** Put-if-absent. Several instances of an API must share one, or a proof works once in each of them. */
export interface ReplayStore {
  /**
   * Remembers an identifier for so many seconds.
   *
   * @returns `true` if it was not there, `false` if it was; atomically: of many at the same time exactly one gets `true`
   * @throws anything, if that cannot be known: the request is then answered with 503
   */
  add(id: string, ttlSeconds: number, proof?: UsedProof): Promise<boolean> | boolean;
}

/** Whether a proof was used before cannot be determined now: 503 with `Retry-After`. Never a replay let through. */
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

/** The client of node-redis, or of ioredis. */
export type RedisClient =
  | { sendCommand(command: string[]): Promise<unknown> }
  | { call(command: string, ...parameters: string[]): Promise<unknown> };

/** For several instances: `SET NX EX` on a Redis, through the application's own client. */
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
