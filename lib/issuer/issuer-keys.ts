/** The issuer's keys, as of now: fetched once for all who wait, renewed for a key that is not known yet. */
import { ConfigurationError, ProviderUnavailableError } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { CachedDocument, type DocumentStatus } from './cached-document.js';
import { IssuerKeySet } from './issuer-key-set.js';
import { reportOutages, type IssuerMetadataSource, type MetadataOptions } from './issuer-metadata.js';
import { withoutQuery } from './provider-answer.js';
import type { ProviderClient, ProviderClientOptions } from './provider-client.js';
import { RefetchLimiter } from './refetch-limiter.js';
import { readKeySet, type VerificationKey } from '../jose/verification-key.js';

export interface KeyOptions {
  /**
   * How long keys are fresh, in seconds: a key that the issuer withdraws works this much longer.
   *
   * @default 300
   */
  readonly jwksCacheDuration: number;
}

export class IssuerKeys {
  readonly #document: CachedDocument<IssuerKeySet>;
  readonly #budget: RefetchLimiter;

  constructor(
    private readonly metadata: IssuerMetadataSource,
    private readonly client: ProviderClient,
    private readonly options: KeyOptions &
      Pick<MetadataOptions, 'jwksUri' | 'maxStale' | 'accessTokenIssuer'> &
      Pick<ProviderClientOptions, 'responseTimeout'>,
    private readonly log: Log,
  ) {
    this.#budget = new RefetchLimiter(options.responseTimeout);
    this.#document = new CachedDocument((held) => this.#fetch(held), {
      freshFor: options.jwksCacheDuration,
      staleFor: options.maxStale,
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
   * A key set newer than the one that lacked a key; `undefined` if there is none, or it is too soon to ask again.
   *
   * @param kid the name of the key that was looked for; `undefined` for one without a name
   * @throws {ProviderUnavailableError} if that cannot be known now
   */
  async renew(lacking: IssuerKeySet, kid: string | undefined): Promise<IssuerKeySet | undefined> {
    const current = await this.#document.get();
    if (current !== lacking) return current;
    const { isFetching, isFailing } = this.#document;
    // To join costs nothing: with a new key come many requests, and those during the fetch wait for it like the first.
    if (!isFetching && !isFailing && !(await this.#budget.spend(kid))) return undefined;
    const renewed = await this.#document.refresh();
    return renewed === lacking ? undefined : renewed;
  }

  async #fetch(held: IssuerKeySet | undefined): Promise<IssuerKeySet> {
    const metadata = await this.metadata.get();
    const issuer = this.options.accessTokenIssuer ?? metadata.issuer;
    const address = this.options.jwksUri ?? metadata.jwks_uri;
    if (typeof address !== 'string') {
      throw new ConfigurationError('jwksUri: the metadata of the issuer has no jwks_uri; set the option');
    }
    const document = await this.client.getObject('jwks', address);
    if (!document) throw new ConfigurationError(`jwksUri: ${withoutQuery(address)} answered 404`);
    const keys = Array.isArray(document['keys'])
      ? readKeySet(document['keys'], this.#warnOfKey, held?.keys)
      : [];
    if (keys.length === 0) {
      throw new ProviderUnavailableError({ detail: `${withoutQuery(address)}: the key set has no keys` });
    }
    return held?.issuer === issuer && areSame(held.keys, keys) ? held : new IssuerKeySet(issuer, keys);
  }

  readonly #warnOfKey = (kid: unknown, reason: string): void => {
    this.log.warn(`the issuer's key ${quoteForeign(kid)} cannot be used: ${reason}`);
  };
}

function areSame(some: readonly VerificationKey[], others: readonly VerificationKey[]): boolean {
  return some.length === others.length && some.every((key, index) => key === others[index]);
}
