/** Provides the keys of the issuer. Concurrent requests share one fetch; an unknown key triggers another. */
import { ConfigurationError, ProviderUnavailableError } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { CachedDocument, type DocumentStatus } from '../timing/cached-document.js';
import { IssuerKeySet } from './issuer-key-set.js';
import { reportOutages, type IssuerMetadataSource, type MetadataOptions } from './issuer-metadata.js';
import { withoutQuery } from './provider-answer.js';
import type { ProviderClient, ProviderClientOptions } from './provider-client.js';
import { monotonicSeconds } from '../timing/backoff.js';
import { RefetchLimiter } from './refetch-limiter.js';
import { readKeySet, type VerificationKey } from '../jose/verification-key.js';

export interface KeyOptions {
  /**
   * How long keys are fresh, in seconds: a key that the issuer withdraws is accepted this much longer.
   *
   * @default 300
   */
  readonly jwksCacheDuration: number;
}

export class IssuerKeys {
  readonly #document: CachedDocument<IssuerKeySet>;
  readonly #limiter: RefetchLimiter;

  constructor(
    private readonly metadata: IssuerMetadataSource,
    private readonly client: ProviderClient,
    private readonly options: KeyOptions &
      Pick<MetadataOptions, 'jwksUri' | 'maxStale' | 'accessTokenIssuer'> &
      Pick<ProviderClientOptions, 'responseTimeout'>,
    private readonly log: Log,
    refreshesOnlyUsed = false,
  ) {
    this.#limiter = new RefetchLimiter(options.responseTimeout);
    this.#document = new CachedDocument((held) => this.#fetch(held), {
      freshFor: options.jwksCacheDuration,
      staleFor: options.maxStale,
      refreshesOnlyUsed,
      ...reportOutages('fetching the keys', log),
    });
  }

  get(): IssuerKeySet | Promise<IssuerKeySet> {
    return this.#document.get();
  }

  get status(): DocumentStatus {
    return this.#document;
  }

  stop(): void {
    this.#document.stop();
  }

  /**
   * Searches key sets that are newer than the one that lacks a key.
   *
   * @param kid the `kid` of the token; `undefined` for a token without it
   * @returns the result of `find`; `undefined` if it was not found after a fetch that began after this call, or seconds before
   *   it for the same `kid`
   * @throws {ProviderUnavailableError} if this cannot be determined now: the provider fails, or too many requests wait
   */
  async renew<Found>(
    seen: IssuerKeySet,
    kid: string | undefined,
    find: (keySet: IssuerKeySet) => Found | undefined | Promise<Found | undefined>,
  ): Promise<Found | undefined> {
    const calledAt = monotonicSeconds();
    // After a provider has withdrawn all keys by mistake, every `kid` is absent: keys that it publishes again apply at once.
    if (kid !== undefined && seen.keys.length > 0 && this.#limiter.isAbsent(kid)) return undefined;
    if (!this.#limiter.admits(kid)) {
      // The fetch is not awaited, but a new key is still found within a second.
      this.#fetchWhenDue().catch(() => undefined);
      throw tooMany();
    }
    return this.#limiter.count(kid, async () => {
      let newest = seen;
      // Many requests arrive with a new key, so a fetch in progress may return it. A key that it lacks may be newer.
      if (this.#document.isFetching) await this.#document.demand();
      for (;;) {
        const { held = newest, askedAt } = this.#document;
        const found = held === newest ? undefined : await find(held);
        if (found !== undefined) return found;
        newest = held;
        if (askedAt >= calledAt) break;
        await this.#fetchWhenDue();
      }
      if (kid !== undefined) this.#limiter.rememberAbsent(kid);
      return undefined;
    });
  }

  async #fetchWhenDue(): Promise<IssuerKeySet> {
    // While the provider fails, the pauses of the document's backoff apply.
    if (!this.#document.isFailing) await this.#limiter.waitForFetch();
    return this.#document.demand();
  }

  async #fetch(held: IssuerKeySet | undefined): Promise<IssuerKeySet> {
    const { jwksUri, accessTokenIssuer } = this.options;
    const metadata = await this.metadata.getUnlessConfigured(jwksUri);
    const issuer = accessTokenIssuer ?? metadata.issuer;
    const address = jwksUri ?? metadata.jwks_uri;
    if (typeof address !== 'string') {
      throw new ConfigurationError('jwksUri: the metadata of the issuer has no jwks_uri; set the option');
    }
    const document = await this.client.getObject('jwks', address);
    if (!document) throw new ConfigurationError(`jwksUri: ${withoutQuery(address)} answered 404`);
    if (!Array.isArray(document['keys'])) {
      throw new ProviderUnavailableError({ detail: `${withoutQuery(address)}: the key set has no keys` });
    }
    const keys = readKeySet(document['keys'], this.#warnOfKey, held?.keys);
    if (held?.issuer === issuer && areSame(held.keys, keys)) return held;
    if (keys.length === 0) this.#checkWithdrawal(held, address);
    return new IssuerKeySet(issuer, keys);
  }

  /** An empty set withdraws the keys of the previous set. Without a previous set, the provider is not ready yet. */
  #checkWithdrawal(held: IssuerKeySet | undefined, address: string): void {
    const detail = `${withoutQuery(address)}: the key set has no keys`;
    if (!held) throw new ProviderUnavailableError({ detail });
    this.log.warn(`${detail}: the issuer has withdrawn all its keys, no JWT can be accepted`);
  }

  readonly #warnOfKey = (kid: unknown, reason: string): void => {
    this.log.warn(`the issuer's key ${quoteForeign(kid)} cannot be used: ${reason}`);
  };
}

/** Compares in any order, because some providers return the keys in a different order each time. */
function areSame(some: readonly VerificationKey[], others: readonly VerificationKey[]): boolean {
  const known = new Set(some);
  return some.length === others.length && others.every((key) => known.has(key));
}

function tooMany(): ProviderUnavailableError {
  return new ProviderUnavailableError({
    detail: 'too many tokens name unknown keys: the keys are fetched at most once a second',
    retryAfter: 1,
  });
}
