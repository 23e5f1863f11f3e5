/** What shares revocations between the instances of an API. */
import { AuthError } from '../errors/auth.errors.js';
import type { Revocation } from './revocation.js';

/** How many revocations are remembered at most. */
export const MAX_REVOCATIONS = 1_000_000;

/**
 * Called for each revocation that any instance adds, also this one.
 *
 * @param lag seconds since it was added, where the store knows it
 */
export type RevocationListener = (revocation: Revocation, lag?: number) => void;

/** What a store may say of itself; a store that does not take one is listed again and again. */
export interface RevocationStoreObserver {
  /** The store cannot be reached now. */
  failed(error: unknown): void;
  /** It can be reached again, or has lost something: revocations may have been missed. They are listed, and added again. */
  recovered(): void;
}

/**
 * Remembers revocations until `revocation.until`, for all instances that share it.
 *
 * What `add` and `list` throw makes `revoke()` reject and the health `degraded`; what is known stays known.
 */
export interface RevocationStore {
  /**
   * Put-if-absent by `revocation.id`.
   *
   * @returns `true` if it was not there, `false` if it was; atomically: of many at the same time exactly one gets `true`
   */
  add(revocation: Revocation): Promise<boolean> | boolean;
  /** All that are remembered. */
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

/** The revocation is not shared (now), or not remembered: 503 with `Retry-After`. */
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
