/** Synchronizes the revocations that this instance knows with the store that all instances share. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { invalidToken, type TokenError } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import { withDeadline } from '../timing/deadline.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import { trueTime, type ClaimsOptions } from '../token/check-claims.js';
import { publishRevocation } from './revocation-events.js';
import { RevocationIndex } from './revocation-index.js';
import { readRevocation, type Revocation } from './revocation.js';
import {
  MAX_REVOCATIONS,
  RevocationStoreError,
  type RevocationStore,
  type RevocationStoreObserver,
} from './revocation-store.js';
import { outsideRequests } from '../timing/outside-requests.js';

/** The maximum time for a store to add one revocation, and to list all, in seconds. */
const ADD_SECONDS = 2;
const LIST_SECONDS = 60;
/**
 * The maximum time that start-up waits for the store, in seconds. After that, tokens are checked against the known revocations.
 */
const START_SECONDS = 5;
/** The pause between attempts while the store fails. */
const RETRY_MS = { min: 250, max: 750 } as const;
const EXPIRE_MS = 60_000;
/**
 * The pause between lists of a store that uses no observer: 100 times the duration of a list, so that it takes 1 % of the time.
 */
const LIST_AGAIN_MS = { min: 1000, max: 60_000, factor: 100 } as const;
/** The number of revocations that are read before other work runs, and that are added again concurrently. */
const BATCH = 1000;
const CONCURRENT_ADDS = 50;
/** Revocations that end within this time are not added again, because stores may have removed them already. Seconds. */
const ENDING_SECONDS = 60;

export class KnownRevocations {
  readonly #index = new RevocationIndex();
  readonly #listeners = new Set<() => void>();
  readonly #now = (): number => trueTime(this.options);
  #subscription: Promise<() => unknown> | undefined;
  #reconciliation: Promise<void> | undefined;
  #isOutdated = false;
  #isFailing = false;
  #isOver = false;
  #retry: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: RevocationStore,
    private readonly options: Pick<ClaimsOptions, 'clockSkew'>,
    private readonly log: Pick<Log, 'warn'>,
    private readonly max = MAX_REVOCATIONS,
  ) {}

  get size(): number {
    return this.#index.size;
  }

  /** Whether the store fails, or the limit of revocations is reached. */
  get isDegraded(): boolean {
    return this.#isFailing || this.#isFull();
  }

  /**
   * Checks that the token is not revoked. This is one comparison while nothing is revoked.
   *
   * @throws {TokenError} `invalid_token` if the token is revoked
   */
  check(claims: AccessTokenClaims): void {
    if (this.covers(claims)) throw revokedError();
  }

  /** Whether the token is revoked. */
  covers(claims: AccessTokenClaims): boolean {
    return this.#index.size > 0 && this.#index.find(claims, this.#now) !== undefined;
  }

  /** Adds a listener that is called after each revocation that is new to this instance. */
  onLearned(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Applies the revocation in this instance immediately, and in all instances once the store has it. If the store fails, it is
   * added to the store later.
   *
   * @returns whether the store had no revocation with this `id`
   * @throws {RevocationStoreError} if it applies in this instance only, or nowhere because the limit of revocations is reached
   */
  async add(revocation: Revocation): Promise<boolean> {
    if (this.#isFull()) {
      throw new RevocationStoreError({ detail: `the limit of ${this.max} revocations is reached` });
    }
    this.#learn(revocation, 'here');
    try {
      return await withDeadline(ADD_SECONDS, () => this.store.add(revocation));
    } catch (cause) {
      this.#fail(cause);
      throw new RevocationStoreError({
        detail:
          'the revocation store failed: the revocation is in effect in this instance, and is shared later',
        cause,
      });
    }
  }

  /** Waits until the revocations in the store are known, for a few seconds at most. A failing store does not prevent start-up. */
  async start(): Promise<void> {
    this.#expiry = setInterval(() => this.#index.expire(this.#now()), EXPIRE_MS).unref();
    try {
      await withDeadline(START_SECONDS, () => this.#reconcile());
    } catch (error) {
      this.#fail(error);
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#expiry);
    clearTimeout(this.#retry);
    try {
      const unsubscribe = await this.#subscription;
      await unsubscribe?.();
    } catch {
      // The subscription failed.
    }
  }

  #isFull(): boolean {
    if (this.#index.size < this.max) return false;
    this.#index.expire(this.#now(), true);
    return this.#index.size >= this.max;
  }

  #learn(revocation: Revocation, origin: 'here' | 'store', lag?: number): void {
    if (revocation.until <= this.#now() || !this.#index.add(revocation)) return;
    this.#index.expire(this.#now());
    publishRevocation({ origin, known: this.#index.size, lag });
    for (const listener of this.#listeners) listener();
  }

  readonly #observer: RevocationStoreObserver = {
    failed: (error) => this.#fail(error),
    recovered: () => {
      this.#reconcile().catch((error: unknown) => this.#fail(error));
    },
  };

  /** Runs one reconciliation at a time. The next one finds what is missed while one runs. */
  async #reconcile(): Promise<void> {
    this.#isOutdated = true;
    this.#reconciliation ??= this.#reconcileAll().finally(() => (this.#reconciliation = undefined));
    await this.#reconciliation;
    // The reconciliation that this call joined had already ended its loop.
    if (this.#isOutdated && !this.#isOver) await this.#reconcile();
  }

  async #reconcileAll(): Promise<void> {
    const beganAt = performance.now();
    await withDeadline(ADD_SECONDS, () => this.#subscribe());
    while (this.#isOutdated && !this.#isOver) {
      this.#isOutdated = false;
      const listed = await withDeadline(LIST_SECONDS, () => this.store.list());
      await this.#deliverWhatIsMissing(await this.#learnAll(listed));
    }
    if (this.#isFailing) this.log.warn('the revocation store works again; missed revocations are now known');
    this.#isFailing = false;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    // A store that uses no observer cannot report missed revocations.
    if (this.store.subscribe.length >= 2) return;
    const { min, max, factor } = LIST_AGAIN_MS;
    this.#reconcileIn(Math.min(Math.max((performance.now() - beganAt) * factor, min), max));
  }

  async #subscribe(): Promise<void> {
    if (!this.#subscription) {
      const subscription = (async () =>
        this.store.subscribe((value, lag) => {
          const revocation = readRevocation(value);
          if (revocation && !this.#isOver) this.#learn(revocation, 'store', lag);
        }, this.#observer))();
      this.#subscription = subscription;
      subscription.catch(() => (this.#subscription = undefined));
    }
    await this.#subscription;
  }

  /** @returns the identifiers that the store has */
  async #learnAll(listed: readonly unknown[]): Promise<ReadonlySet<string>> {
    const ids = new Set<string>();
    for (const value of listed) {
      const revocation = readRevocation(value);
      if (!revocation) continue;
      ids.add(revocation.id);
      this.#learn(revocation, 'store');
      if (ids.size % BATCH === 0) await nextTurn();
    }
    return ids;
  }

  /** Adds the revocations that the store failed to add, or has lost. */
  async #deliverWhatIsMissing(ids: ReadonlySet<string>): Promise<void> {
    const ends = this.#now() + ENDING_SECONDS;
    const missing = [...this.#index.values()].filter(({ id, until }) => !ids.has(id) && until > ends);
    for (let i = 0; i < missing.length && !this.#isOver; i += CONCURRENT_ADDS) {
      const batch = missing.slice(i, i + CONCURRENT_ADDS);
      await withDeadline(ADD_SECONDS, () => Promise.all(batch.map(async (each) => this.store.add(each))));
    }
  }

  /** Schedules a retry. Logs once per outage. */
  #fail(error: unknown): void {
    if (this.#isOver) return;
    if (!this.#isFailing) {
      // The error message of a Redis client may contain the address, including a password.
      const reason = error instanceof Error ? error.name : 'it failed';
      this.log.warn(
        `the revocation store fails (${reason}): known revocations stay in effect, new ones are shared later`,
      );
    }
    this.#isFailing = true;
    this.#reconcileIn(RETRY_MS.min + Math.random() * (RETRY_MS.max - RETRY_MS.min));
  }

  #reconcileIn(milliseconds: number): void {
    if (this.#isOver) return;
    const reconcile = (): void => {
      this.#retry = undefined;
      this.#observer.recovered();
    };
    this.#retry ??= outsideRequests(() => setTimeout(reconcile, milliseconds).unref());
  }
}

export const revokedError = (): TokenError => invalidToken('revoked', 'the token is revoked');
