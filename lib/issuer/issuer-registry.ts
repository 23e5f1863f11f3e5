/** Finds the issuer of a token by its `iss`, before any request is sent to a provider. */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import {
  ConfigurationError,
  invalidToken,
  ProviderUnavailableError,
  TokenError,
} from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { monotonicSeconds } from '../timing/backoff.js';
import { CallSlots } from '../timing/call-slots.js';
import { DeadlineError, withDeadline } from '../timing/deadline.js';
import { SingleFlight } from '../timing/single-flight.js';
import { withoutSlash } from './issuer-metadata.js';
import type { ProviderStatus, TrustedIssuer } from './trusted-issuer.js';

/** The maximum number of cached issuers from the application's function; the least recently used is evicted first. */
const MAX_KNOWN = 1000;
/** The maximum number of cached `iss` values without an issuer: clients can invent them. */
const MAX_UNKNOWN = 10_000;
const UNKNOWN_TTL_SECONDS = 60;
/** A result is used for at least this time, even if it is not to be cached, in seconds. */
const MIN_TTL_SECONDS = 1;
/** The maximum numbers of concurrent calls of the application's function, and of calls that wait. */
const MAX_CALLS = 100;
const MAX_WAITING_CALLS = 10_000;
/** A longer `iss` is not passed to the application's function. */
const MAX_ISS_LENGTH = 2048;
/** A longer `iss` is cached by its hash. */
const MAX_KEPT_LENGTH = 256;

/** Creates issuers. */
export interface IssuerSource<Issuer extends TrustedIssuer> {
  /** Creates the issuer again, without the cached data of the old one. */
  remake(issuer: Issuer): Issuer;
  /** The application's function that finds an issuer that is not configured; `undefined` if there is none. */
  readonly find?: IssuerLookUp<Issuer> | undefined;
  /** Removes data of an issuer that is cached elsewhere. */
  onForgotten(issuer: Issuer): void;
}

export interface IssuerLookUp<Issuer extends TrustedIssuer> {
  /**
   * @param known the issuer from an earlier result, which is returned again if the settings are the same
   * @returns the issuer, and how long the result is valid, in seconds; `undefined` for an unknown issuer
   */
  ask(
    iss: string,
    known: Issuer | undefined,
  ): Answer<Issuer> | undefined | Promise<Answer<Issuer> | undefined>;
  /** The longest wait for one result, in seconds. */
  readonly responseTimeout: number;
}

interface Answer<Issuer> {
  readonly issuer: Issuer;
  readonly holdsFor: number;
}

/** The issuers of this application. Injectable, to call {@link IssuerRegistry.forget}. */
export class IssuerRegistry<Issuer extends TrustedIssuer = TrustedIssuer> {
  readonly #configured = new Map<string, Issuer>();
  readonly #found = new LRUCache<string, Issuer>({
    max: MAX_KNOWN,
    dispose: (issuer, _iss, reason) => {
      if (reason !== 'set') issuer.retire();
    },
  });
  /** When the entry expires, by the monotonic clock in seconds. */
  readonly #unknown = new LRUCache<string, number>({ max: MAX_UNKNOWN });
  readonly #lookUps = new SingleFlight<Issuer | undefined>();
  readonly #slots = new CallSlots(MAX_CALLS, MAX_WAITING_CALLS);
  /** The number of calls of {@link forget}: a result that was requested before such a call is not cached. */
  #forgotten = 0;
  #only: Issuer | undefined;

  constructor(
    issuers: readonly Issuer[],
    private readonly source: IssuerSource<Issuer>,
  ) {
    for (const issuer of issuers) this.#configured.set(withoutSlash(issuer.accessTokenIssuer), issuer);
    this.#only = issuers.length === 1 && !source.find ? issuers[0] : undefined;
  }

  /** The only issuer, if exactly one is configured and no function finds others. */
  get only(): Issuer | undefined {
    return this.#only;
  }

  /** The issuers that are known now: all that are configured, or those that the function returned recently. */
  get known(): readonly Issuer[] {
    return [...this.#configured.values(), ...this.#found.values()];
  }

  /** Whether a function of the application finds issuers when a token arrives. */
  get isOpen(): boolean {
    return this.source.find !== undefined;
  }

  /**
   * Returns the issuer for an `iss` that is not verified yet, without a promise if it is configured or cached. The `iss` may
   * differ by one trailing slash: the metadata of the issuer later determines its exact spelling.
   *
   * @throws {TokenError} `invalid_token` if there is no such issuer; no provider is called
   * @throws {ConfigurationError} if the application's function fails
   * @throws {ProviderUnavailableError} if too many calls of the function are in progress
   */
  find(iss: unknown): Issuer | Promise<Issuer> {
    if (typeof iss !== 'string') throw this.#unknownError(iss);
    const key = withoutSlash(iss);
    const known = this.#configured.get(key) ?? this.#found.get(key);
    if (known?.isCurrent) return known;
    const { find } = this.source;
    if (!find || iss.length > MAX_ISS_LENGTH || this.#isUnknown(iss)) throw this.#unknownError(iss);
    return this.#lookUp(iss, find);
  }

  /**
   * Returns the issuer with this `issuer` or name, without a promise if it is configured or cached.
   *
   * @returns `undefined` if there is none, or more than one with this name
   * @throws {ConfigurationError} if the application's function fails
   * @throws {ProviderUnavailableError} if too many calls of the function are in progress
   */
  named(name: string): Issuer | undefined | Promise<Issuer | undefined> {
    const key = withoutSlash(name);
    const byIssuer = this.#configured.get(key) ?? this.#found.get(key);
    if (byIssuer?.isCurrent) return byIssuer;
    const known = this.known.filter((each) => each.name === name || each.issuer === name);
    if (known.length > 1) return undefined;
    if (known[0]?.isCurrent) return known[0];
    return this.source.find ? this.#lookUpNamed(known[0]?.accessTokenIssuer ?? name) : undefined;
  }

  /**
   * Removes the cached data of an issuer immediately: the function's result, also that the issuer is unknown; keys, metadata, verified
   * tokens and introspection responses in the memory of this instance. The next token calls the function and the provider again. Use it
   * for a tenant that was removed or added, or whose settings have changed.
   *
   * Entries in a shared `cache` remain: the same tenant with the same settings uses them again. Open connections and streams stay open.
   *
   * @param issuer its `issuer` (with or without a trailing slash) or its name
   * @returns whether cached data was removed
   *
   * @example
   * ```ts
   * await this.tenants.delete(tenant);
   * this.issuers.forget(tenant.issuer);
   * ```
   */
  forget(issuer: string): boolean {
    this.#forgotten++;
    this.#lookUps.detach();
    const key = withoutSlash(issuer);
    const wasUnknown = [key, `${key}/`].map((each) => this.#unknown.delete(keyOf(each))).includes(true);
    const known = this.known.find(
      (each) =>
        each.name === issuer ||
        [each.issuer, each.accessTokenIssuer].some((own) => withoutSlash(own) === key),
    );
    if (!known) return wasUnknown;
    const place = withoutSlash(known.accessTokenIssuer);
    if (!this.#found.delete(place)) {
      const anew = this.source.remake(known);
      this.#configured.set(place, anew);
      if (this.#only) this.#only = anew;
      known.retire();
    }
    this.source.onForgotten(known);
    return true;
  }

  /**
   * Fetches the data that requests need, for each configured issuer according to its `warmUp`.
   *
   * @throws {ProviderUnavailableError} if a provider whose `warmUp` is `required` did not respond
   * @throws {ConfigurationError} if its response shows that this application is configured incorrectly
   */
  async warmUp(): Promise<void> {
    const issuers = [...this.#configured.values()];
    await Promise.all(issuers.filter((each) => each.warmUpMode === 'required').map((each) => each.warmUp()));
    for (const each of issuers) {
      // Not awaited: a failure is logged and retried.
      if (each.warmUpMode === 'background') each.warmUp().catch(() => undefined);
    }
  }

  /** Returns the status of each issuer by its name. Calls the providers of configured issuers of which nothing is cached. */
  async check(): Promise<ReadonlyMap<string, ProviderStatus>> {
    const configured = [...this.#configured.values()].map(
      async (issuer) => [issuer.name, await issuer.check()] as const,
    );
    const found = [...this.#found.values()].map(({ name, status }) => [name, status] as const);
    return new Map([...(await Promise.all(configured)), ...found]);
  }

  /** Closes all known issuers. */
  async close(): Promise<void> {
    await Promise.all(this.known.map((issuer) => issuer.close()));
  }

  async #lookUpNamed(name: string): Promise<Issuer | undefined> {
    try {
      return await this.find(name);
    } catch (error) {
      if (error instanceof TokenError) return undefined;
      throw error;
    }
  }

  /** Concurrent callers with the same `iss` share one call. */
  async #lookUp(iss: string, find: IssuerLookUp<Issuer>): Promise<Issuer> {
    const found = await this.#lookUps.run(iss, () => this.#ask(iss, find));
    if (!found) throw this.#unknownError(iss);
    return found;
  }

  async #ask(iss: string, find: IssuerLookUp<Issuer>): Promise<Issuer | undefined> {
    const slot = this.#slots.take();
    if (slot === false) throw tooMany();
    if (slot instanceof Promise) await slot;
    const { responseTimeout } = find;
    const forgotten = this.#forgotten;
    try {
      const known = this.#found.peek(withoutSlash(iss));
      const answer = await withDeadline(responseTimeout, () => find.ask(iss, known));
      return this.#remember(iss, answer, forgotten === this.#forgotten);
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      throw new ConfigurationError('issuers: the function did not return', {
        detail: `issuers: the function did not return within ${responseTimeout} s`,
      });
    } finally {
      this.#slots.release();
    }
  }

  #remember(iss: string, answer: Answer<Issuer> | undefined, isRecent: boolean): Issuer | undefined {
    const key = withoutSlash(iss);
    const known = this.#found.peek(key);
    if (!answer) {
      if (isRecent) {
        if (known && !known.isCurrent) this.#found.delete(key);
        this.#unknown.set(keyOf(iss), monotonicSeconds() + UNKNOWN_TTL_SECONDS);
      }
      return undefined;
    }
    const { issuer, holdsFor } = answer;
    if (!isRecent) {
      // It is used for this request only, and not cached.
      issuer.knownUntil = -Infinity;
      return issuer;
    }
    issuer.knownUntil = monotonicSeconds() + Math.max(holdsFor, MIN_TTL_SECONDS);
    if (known !== issuer) {
      this.#found.set(key, issuer);
      known?.retire();
    }
    return issuer;
  }

  #isUnknown(iss: string): boolean {
    return this.#unknown.size > 0 && monotonicSeconds() < (this.#unknown.get(keyOf(iss)) ?? 0);
  }

  #unknownError(iss: unknown): TokenError {
    if (iss === undefined) return invalidToken('issuer', 'iss is missing');
    const expected = this.only ? `, expected ${quoteForeign(this.only.accessTokenIssuer)}` : '';
    return invalidToken(
      'issuer',
      () => `iss is ${quoteForeign(iss)}${expected}: no such issuer is configured`,
    );
  }
}

/** Uses the hash of a long `iss`, to keep the cache small. */
function keyOf(iss: string): string {
  return iss.length <= MAX_KEPT_LENGTH ? iss : createHash('sha256').update(iss).digest('base64url');
}

function tooMany(): ProviderUnavailableError {
  return new ProviderUnavailableError({
    detail: `issuers: ${MAX_CALLS} calls of the function are in progress, and others wait`,
    retryAfter: 1,
  });
}
