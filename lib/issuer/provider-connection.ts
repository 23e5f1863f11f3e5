/** Is the authorization server at hand? What is fetched before the first request, how it stands now, and the end of it. */
import { withDeadline } from '../timing/deadline.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import type { IssuerKeys } from './issuer-keys.js';
import type { IssuerMetadataSource, MetadataOptions } from './issuer-metadata.js';
import type { ProviderClient, ProviderClientOptions } from './provider-client.js';

export interface WarmUpOptions {
  /**
   * When metadata and keys (with `introspectJwtTokens`: metadata alone) are fetched first. `background`: while the
   * application starts, which does not wait for them; `required`: before it starts, and without them it does not; `off`:
   * with the first request that needs them.
   *
   * @default 'background'
   */
  readonly warmUp: 'background' | 'required' | 'off';
}

export interface ProviderStatus {
  /**
   * `ready`: everything is at hand and fresh. `degraded`: the provider fails, and what is held still serves. `down`: it
   * fails, and tokens cannot be judged.
   */
  readonly state: 'ready' | 'degraded' | 'down';
  /** Seconds since the keys (or the metadata, where no keys are needed) were fetched; `undefined` if never. */
  readonly age: number | undefined;
}

export class ProviderConnection {
  constructor(
    private readonly client: ProviderClient,
    private readonly metadata: IssuerMetadataSource,
    private readonly keys: IssuerKeys,
    private readonly introspection: CircuitBreaker,
    private readonly options: { readonly introspectJwtTokens: boolean } & Pick<
      ProviderClientOptions,
      'responseTimeout'
    > &
      Pick<MetadataOptions, 'issuer' | 'introspectionEndpoint'>,
  ) {}

  /** As the issuer calls itself, once that is known; as it is configured, until then. */
  get issuer(): string {
    return this.metadata.known?.issuer ?? this.options.issuer;
  }

  /**
   * Fetches what requests will need, unless it is at hand.
   *
   * @throws {ProviderUnavailableError} if the provider did not answer
   * @throws {ConfigurationError} if what it answered shows that this application is set up wrongly
   */
  async warmUp(): Promise<void> {
    const { introspectJwtTokens, introspectionEndpoint } = this.options;
    await (introspectJwtTokens ? this.metadata.getUnlessConfigured(introspectionEndpoint) : this.keys.get());
  }

  /** How things stand; asks the provider first if nothing is held. */
  async check(): Promise<ProviderStatus> {
    try {
      await withDeadline(this.options.responseTimeout, () => this.warmUp());
    } catch {
      return this.#status('down');
    }
    const documents = [this.metadata.status, this.keys.status];
    const isDegraded = documents.some(({ isFailing, state }) => isFailing || state === 'stale');
    return this.#status(isDegraded || this.introspection.isOpen ? 'degraded' : 'ready');
  }

  /** Ends calls that are under way, connections that are kept, and what goes on in the background. */
  async close(): Promise<void> {
    this.metadata.stop();
    this.keys.stop();
    await this.client.close();
  }

  #status(state: ProviderStatus['state']): ProviderStatus {
    const { age } = this.options.introspectJwtTokens ? this.metadata.status : this.keys.status;
    return { state, age: Number.isFinite(age) ? Math.round(age) : undefined };
  }
}
