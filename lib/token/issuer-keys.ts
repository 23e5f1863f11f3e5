/** The issuer's keys, as of now: fetched once for all who wait, renewed for a key that is not known yet. */
import { ConfigurationError, ProviderUnavailableError } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { CachedDocument, monotonicSeconds } from './cached-document.js';
import {
  describeFailure,
  STALE_FOR,
  type IssuerMetadataSource,
  type MetadataOptions,
} from './issuer-metadata.js';
import { withoutQuery, type ProviderClient } from './provider-client.js';
import { readKeySet, type VerificationKey } from './verification-key.js';

export interface KeyOptions {
  /** How long keys are fresh, in seconds. A key that the issuer withdraws works at most this long. @default 300 */
  readonly jwksCacheDuration: number;
}

/** The issuer's name and its keys, from one fetch. */
export interface IssuerKeySet {
  readonly issuer: string;
  readonly keys: readonly VerificationKey[];
}

/** Fetches for keys that are not known: a rotation is served at once, a flood of invented names costs five a minute. */
const RENEWALS_AT_ONCE = 3;
const SECONDS_PER_RENEWAL = 12;

export class IssuerKeys {
  readonly #document: CachedDocument<IssuerKeySet>;
  #renewals = RENEWALS_AT_ONCE;
  #renewalsCountedAt = monotonicSeconds();

  constructor(
    private readonly metadata: IssuerMetadataSource,
    private readonly client: ProviderClient,
    private readonly options: KeyOptions & Pick<MetadataOptions, 'jwksUri'>,
    private readonly log: Log,
  ) {
    this.#document = new CachedDocument(() => this.#fetch(), {
      freshFor: options.jwksCacheDuration,
      staleFor: STALE_FOR,
      onFailure: (error, held) => log.warn(describeFailure('fetching the keys', error, held)),
    });
  }

  get(): IssuerKeySet | Promise<IssuerKeySet> {
    return this.#document.get();
  }

  /**
   * A key set newer than the one that lacked a key; `undefined` if it is too soon to ask again.
   *
   * @throws {ProviderUnavailableError} if that cannot be known now
   */
  async renew(lacking: IssuerKeySet): Promise<IssuerKeySet | undefined> {
    const current = await this.#document.get();
    if (current !== lacking) return current;
    return this.#document.isFailing || this.#mayRenew() ? this.#document.refresh() : undefined;
  }

  #mayRenew(): boolean {
    const now = monotonicSeconds();
    this.#renewals = Math.min(
      this.#renewals + (now - this.#renewalsCountedAt) / SECONDS_PER_RENEWAL,
      RENEWALS_AT_ONCE,
    );
    this.#renewalsCountedAt = now;
    if (this.#renewals < 1) return false;
    this.#renewals--;
    return true;
  }

  async #fetch(): Promise<IssuerKeySet> {
    const { issuer, jwks_uri } = await this.metadata.get();
    const address = this.options.jwksUri ?? jwks_uri;
    if (typeof address !== 'string') {
      throw new ConfigurationError('jwksUri: the metadata of the issuer has no jwks_uri; set the option');
    }
    const document = await this.client.getObject(address);
    if (!document) throw new ConfigurationError(`jwksUri: ${withoutQuery(address)} answered 404`);
    const keys = Array.isArray(document['keys']) ? readKeySet(document['keys'], this.#warnOfKey) : [];
    if (keys.length === 0) {
      throw new ProviderUnavailableError({ detail: `${withoutQuery(address)}: the key set has no keys` });
    }
    return { issuer, keys };
  }

  readonly #warnOfKey = (kid: unknown, reason: string): void => {
    this.log.warn(`the issuer's key ${quoteForeign(kid)} cannot be used: ${reason}`);
  };
}
