/** Defines the store that shares revocations between the instances of an API. */
import { AuthError } from '../errors/auth.errors.js';
import type { Revocation } from './revocation.js';

/** The maximum number of revocations. */
export const MAX_REVOCATIONS = 1_000_000;

/**
 * Called for each revocation that any instance adds, including this one.
 *
 * @param lag seconds since it was added, if the store knows it
 */
export type RevocationListener = (revocation: Revocation, lag?: number) => void;

/** Receives the state of a store. A store that does not use an observer is read with `list()` repeatedly. */
export interface RevocationStoreObserver {
  /** The store cannot be reached now. */
  failed(error: unknown): void;
  /**
   * The store can be reached again, or has lost data. Revocations may have been missed: they are listed, and added again.
   */
  recovered(): void;
}

/**
 * Stores revocations until `revocation.until`, for all instances that share the store. Implementations:
 * {@link MemoryRevocationStore} (default) and {@link RedisRevocationStore}.
 *
 * If `add` or `list` throws, `revoke()` rejects and the health is `degraded`; known revocations stay in effect.
 */
export interface RevocationStore {
  /**
   * Stores the revocation, unless its `id` is already stored (put-if-absent).
   *
   * @returns `true` if the `id` was not stored before, otherwise `false`; atomically: of concurrent calls exactly one returns `true`
   */
  add(revocation: Revocation): Promise<boolean> | boolean;
  /** All stored revocations. */
  list(): Promise<readonly Revocation[]> | readonly Revocation[];
  /** @returns ends the subscription */
  subscribe(
    listener: RevocationListener,
    observer?: RevocationStoreObserver,
  ): (() => unknown) | Promise<() => unknown>;
}

export interface RevocationOptions {
  /**
   * Shares revocations between instances: a `RedisRevocationStore`, or your own `RevocationStore`.
   *
   * @default in memory: each instance has its own
   */
  readonly revocationStore?: RevocationStore | undefined;
  /**
   * How long a revocation is stored, in seconds: the longest lifetime of a token. A token with a longer
   * lifetime is accepted again after this time.
   *
   * @default 86400
   */
  readonly revocationDuration: number;
}

/** The revocation could not be stored, or not be shared now: 503 with `Retry-After`. */
export class RevocationStoreError extends AuthError {
  readonly code = 'revocation_store_unavailable';
  readonly status = 503;
  readonly retryAfter = 1;

  constructor(options: { readonly detail: string; readonly cause?: unknown }) {
    super('The revocation could not be stored', options);
  }

  override get headers(): Readonly<Record<string, string>> {
    return { 'Retry-After': String(this.retryAfter) };
  }
}
