/** Represents one issuer, with its metadata, its keys, its signature verifier and the client that calls its provider. */
import type { Log } from '../errors/log.js';
import { decodeJwt, type DecodedJwt } from '../jose/decode-jwt.js';
import { monotonicSeconds } from '../timing/backoff.js';
import { withDeadline } from '../timing/deadline.js';
import { VerificationQueue } from '../timing/verification-queue.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { IssuerKeys, type KeyOptions } from './issuer-keys.js';
import { IssuerMetadataSource, type MetadataOptions, type MetadataUses } from './issuer-metadata.js';
import { ProviderClient, type ProviderClientOptions } from './provider-client.js';
import { SignatureVerifier, type SignatureOptions } from './signature-verifier.js';

export interface WarmUpOptions {
  /**
   * When metadata and keys (with `introspectJwtTokens` only metadata) are first fetched. `background`: while
   * the application starts, without waiting; `required`: before it starts, and it does not start without
   * them; `off`: with the first request that needs them.
   *
   * @default 'background'
   */
  readonly warmUp: 'background' | 'required' | 'off';
}

export interface ProviderStatus {
  /**
   * `ready`: all data is cached and fresh. `degraded`: the provider fails, and cached data is still used. `down`: it fails, and
   * tokens cannot be validated.
   */
  readonly state: 'ready' | 'degraded' | 'down';
  /** Seconds since the keys (or the metadata, if no keys are needed) were fetched; `undefined` if never. */
  readonly age: number | undefined;
}

export type TrustedIssuerOptions = { readonly name?: string } & MetadataOptions &
  MetadataUses &
  WarmUpOptions &
  KeyOptions &
  SignatureOptions &
  ProviderClientOptions;

/** The parts of an issuer. A part that is left out is created for this issuer alone. */
export interface IssuerParts {
  /** Shared by the issuers of a module, so that their signatures are verified one after the other. */
  readonly queue?: VerificationQueue | undefined;
  readonly client?: ProviderClient | undefined;
  /**
   * Keys and metadata that no request has used since they were fetched are not fetched again in the background.
   *
   * @default false
   */
  readonly refreshesOnlyUsed?: boolean | undefined;
}

export class TrustedIssuer {
  readonly client: ProviderClient;
  readonly metadata: IssuerMetadataSource;
  readonly keys: IssuerKeys;
  readonly signatures: SignatureVerifier;
  readonly breaker: CircuitBreaker;
  readonly #needsKeys: boolean;
  #isRetired = false;
  /** Until when the result that named this issuer is valid, by the monotonic clock in seconds. */
  knownUntil = Infinity;

  constructor(
    private readonly settings: TrustedIssuerOptions,
    log: Log,
    {
      queue = new VerificationQueue(),
      client = new ProviderClient(settings),
      refreshesOnlyUsed = false,
    }: IssuerParts = {},
  ) {
    this.client = client;
    this.metadata = new IssuerMetadataSource(client, settings, log, refreshesOnlyUsed);
    this.keys = new IssuerKeys(this.metadata, client, settings, log, refreshesOnlyUsed);
    this.signatures = new SignatureVerifier(this.keys, settings, queue);
    this.breaker = new CircuitBreaker(settings);
    this.#needsKeys = !settings.introspectJwtTokens;
  }

  /** The configured name, for logs, events and metrics. */
  get name(): string {
    return this.settings.name ?? this.settings.issuer;
  }

  /** The configured `issuer`. */
  get issuer(): string {
    return this.settings.issuer;
  }

  /** The `iss` of its access tokens, which may differ by a trailing slash. */
  get accessTokenIssuer(): string {
    return this.settings.accessTokenIssuer ?? this.settings.issuer;
  }

  /** The `issuer` in its metadata, once that is known; the configured one until then. */
  get identifier(): string {
    return this.metadata.known?.issuer ?? this.settings.issuer;
  }

  /**
   * Verifies the signature of a JWT that is not an access token (a logout token, a security event token) with the keys of this
   * issuer.
   *
   * Does not check `typ`, nor any claim: `iss` must still be compared with {@link TrustedIssuer.identifier}.
   *
   * @throws {TokenError} `invalid_token` if it is malformed, or if no key of this issuer made the signature
   * @throws {ProviderUnavailableError} if the keys cannot be fetched
   */
  async verifySignature(jws: string): Promise<DecodedJwt> {
    const jwt = decodeJwt(jws);
    await this.signatures.verify(jwt);
    return jwt;
  }

  /** Whether its cached data is still valid. */
  get isCurrent(): boolean {
    return !this.#isRetired && (this.knownUntil === Infinity || monotonicSeconds() < this.knownUntil);
  }

  get warmUpMode(): WarmUpOptions['warmUp'] {
    return this.settings.warmUp;
  }

  /**
   * Fetches the data that requests need, unless it is cached.
   *
   * @throws {ProviderUnavailableError} if the provider did not respond
   * @throws {ConfigurationError} if its response shows that this application is configured incorrectly
   */
  async warmUp(): Promise<void> {
    await (this.#needsKeys
      ? this.keys.get()
      : this.metadata.getUnlessConfigured(this.settings.introspectionEndpoint));
  }

  /** Returns the status, after a call to the provider if nothing is cached. */
  async check(): Promise<ProviderStatus> {
    try {
      await withDeadline(this.settings.responseTimeout, () => this.warmUp());
    } catch {
      return this.#status('down');
    }
    return this.status;
  }

  /** Returns the status as far as it is known. Does not call the provider. */
  get status(): ProviderStatus {
    const documents = [this.metadata.status, this.keys.status];
    const isFailing = documents.some((document) => document.isFailing);
    const needed = this.#needsKeys ? this.keys.status : this.metadata.status;
    if (isFailing && needed.state === 'none') return this.#status('down');
    const isDegraded = isFailing || documents.some(({ state }) => state === 'stale') || this.breaker.isOpen;
    return this.#status(isDegraded ? 'degraded' : 'ready');
  }

  /** Called when the issuer is no longer trusted, or was replaced. Requests in progress are completed. */
  retire(): void {
    this.#isRetired = true;
    this.metadata.stop();
    this.keys.stop();
  }

  /** Ends calls in progress, idle connections and background fetches. */
  async close(): Promise<void> {
    this.metadata.stop();
    this.keys.stop();
    await this.client.close();
  }

  #status(state: ProviderStatus['state']): ProviderStatus {
    const { age } = this.#needsKeys ? this.keys.status : this.metadata.status;
    return { state, age: Number.isFinite(age) ? Math.round(age) : undefined };
  }
}
