/** One issuer and everything that is asked of it: its metadata, its keys, and the client that asks. */
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
   * `ready`: everything is at hand and fresh. `degraded`: the provider fails, and what is held still serves. `down`: it
   * fails, and tokens cannot be judged.
   */
  readonly state: 'ready' | 'degraded' | 'down';
  /** Seconds since the keys (or the metadata, where no keys are needed) were fetched; `undefined` if never. */
  readonly age: number | undefined;
}

export type TrustedIssuerOptions = { readonly name?: string } & MetadataOptions &
  MetadataUses &
  WarmUpOptions &
  KeyOptions &
  SignatureOptions &
  ProviderClientOptions;

/** What an issuer is made with. What is left out is made for it alone. */
export interface IssuerParts {
  /** Shared by the issuers of a module: signatures of all are verified one after the other. */
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
  /** Until when the issuer is known to be trusted, by the monotonic clock in seconds. */
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

  /** As configured. For logs, events and metrics. */
  get name(): string {
    return this.settings.name ?? this.settings.issuer;
  }

  /** As configured. */
  get issuer(): string {
    return this.settings.issuer;
  }

  /** What `iss` of its access tokens is, but for a trailing slash. */
  get accessTokenIssuer(): string {
    return this.settings.accessTokenIssuer ?? this.settings.issuer;
  }

  /** As the issuer calls itself, once that is known; as it is configured, until then. */
  get identifier(): string {
    return this.metadata.known?.issuer ?? this.settings.issuer;
  }

  /**
   * Verifies the signature of a JWT of another kind than an access token (a logout token, a security event token) by the
   * keys of this issuer.
   *
   * Does not check `typ`, nor any claim: `iss` must still be compared with {@link TrustedIssuer.identifier}.
   *
   * @throws {TokenError} `invalid_token` if it is malformed, or if no key of this issuer made the signature
   * @throws {ProviderUnavailableError} if the keys cannot be had
   */
  async verifySignature(jws: string): Promise<DecodedJwt> {
    const jwt = decodeJwt(jws);
    await this.signatures.verify(jwt);
    return jwt;
  }

  /** Whether what is remembered of it still counts. */
  get isCurrent(): boolean {
    return !this.#isRetired && (this.knownUntil === Infinity || monotonicSeconds() < this.knownUntil);
  }

  get warmUpMode(): WarmUpOptions['warmUp'] {
    return this.settings.warmUp;
  }

  /**
   * Fetches what requests will need, unless it is at hand.
   *
   * @throws {ProviderUnavailableError} if the provider did not answer
   * @throws {ConfigurationError} if what it answered shows that this application is set up wrongly
   */
  async warmUp(): Promise<void> {
    await (this.#needsKeys
      ? this.keys.get()
      : this.metadata.getUnlessConfigured(this.settings.introspectionEndpoint));
  }

  /** How things stand; asks the provider first if nothing is held. */
  async check(): Promise<ProviderStatus> {
    try {
      await withDeadline(this.settings.responseTimeout, () => this.warmUp());
    } catch {
      return this.#status('down');
    }
    return this.status;
  }

  /** How things stand, as far as it is known; asks nobody. */
  get status(): ProviderStatus {
    const documents = [this.metadata.status, this.keys.status];
    const isFailing = documents.some((document) => document.isFailing);
    const { age } = this.#needsKeys ? this.keys.status : this.metadata.status;
    if (isFailing && !Number.isFinite(age)) return this.#status('down');
    const isDegraded = isFailing || documents.some(({ state }) => state === 'stale') || this.breaker.isOpen;
    return this.#status(isDegraded ? 'degraded' : 'ready');
  }

  /** It is not trusted any more, or was made anew. Requests under way come to their end. */
  retire(): void {
    this.#isRetired = true;
    this.metadata.stop();
    this.keys.stop();
  }

  /** Ends calls that are under way, connections that are kept, and what goes on in the background. */
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
