/** Fetches and caches the metadata of the issuer. OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3. */
import { AuthError, ConfigurationError } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import {
  CachedDocument,
  type CachedDocumentOptions,
  type DocumentStatus,
} from '../timing/cached-document.js';
import { withDeadline } from '../timing/deadline.js';
import { withoutQuery } from './provider-answer.js';
import { type ProviderClient } from './provider-client.js';

export interface MetadataOptions {
  /**
   * The base of discovery, and the value that `iss` must equal, character by character. A trailing slash may
   * differ: the `issuer` of the discovery document applies.
   */
  readonly issuer: string;
  /**
   * The value that `iss` of access tokens must equal, if it differs from the issuer: AD FS publishes it as
   * `access_token_issuer` in its metadata.
   *
   * Compared character by character. The discovery document and signed introspection responses must still contain the issuer.
   *
   * @default the issuer
   */
  readonly accessTokenIssuer?: string | undefined;
  /**
   * How long the discovery document is fresh, in seconds.
   *
   * @default 300
   */
  readonly metadataCacheDuration: number;
  /**
   * The URL of the key set, for providers whose metadata does not contain it or that have no discovery. JWTs then do
   * not depend on discovery: `iss` must equal the configured `issuer`, including a trailing slash.
   *
   * @default from discovery
   */
  readonly jwksUri?: string | undefined;
  /**
   * The URL of the introspection endpoint, for providers whose metadata does not contain it or that have no
   * discovery. Introspection then does not depend on discovery.
   *
   * @default from discovery
   */
  readonly introspectionEndpoint?: string | undefined;
  /**
   * How long stale keys and metadata remain in use while the issuer is unreachable, in seconds. `0`: not at
   * all.
   *
   * A key that is withdrawn during an outage is accepted for this time.
   *
   * @default 86400
   */
  readonly maxStale: number;
}

/** The members of the metadata that are used here. */
export interface IssuerMetadata {
  readonly issuer: string;
  readonly jwks_uri?: unknown;
  readonly introspection_endpoint?: unknown;
  readonly token_endpoint?: unknown;
  readonly mtls_endpoint_aliases?: unknown;
  /** AD FS only. */
  readonly access_token_issuer?: unknown;
}

/** The options that determine which metadata this application needs. */
export interface MetadataUses {
  /** Set if introspection is configured. */
  readonly clientId?: string | undefined;
  /** Whether JWTs are introspected, so that keys are not needed. */
  readonly introspectJwtTokens: boolean;
}

/** The longest wait for metadata that the request can do without, in seconds. */
const GRACE_SECONDS = 0.25;

export class IssuerMetadataSource {
  readonly #document: CachedDocument<IssuerMetadata>;
  readonly #configured: IssuerMetadata;

  constructor(
    private readonly client: ProviderClient,
    private readonly options: MetadataOptions & MetadataUses,
    log: Log,
    refreshesOnlyUsed = false,
  ) {
    this.#configured = { issuer: options.issuer };
    this.#document = new CachedDocument(() => this.#discover(), {
      freshFor: options.metadataCacheDuration,
      staleFor: options.maxStale,
      refreshesOnlyUsed,
      ...reportOutages('discovery', log),
    });
  }

  /** Whether requests need a URL that is not configured. */
  get isNeeded(): boolean {
    const { jwksUri, introspectionEndpoint, clientId, introspectJwtTokens } = this.options;
    const introspectionNeedsIt = clientId !== undefined && introspectionEndpoint === undefined;
    return introspectionNeedsIt || (!introspectJwtTokens && jwksUri === undefined);
  }

  /**
   * Returns the metadata of the issuer, without a promise when it is in memory.
   *
   * @throws {ProviderUnavailableError} if the provider does not respond
   * @throws {ConfigurationError} if its response is not the metadata of the configured issuer
   */
  get(): IssuerMetadata | Promise<IssuerMetadata> {
    return this.#document.get();
  }

  /**
   * Returns the metadata for a use whose URL may be configured. If it is, no discovery request is sent, or (if another use
   * needs one) the request may fail.
   */
  getUnlessConfigured(address: string | undefined): IssuerMetadata | Promise<IssuerMetadata> {
    if (address === undefined) return this.get();
    if (!this.isNeeded) return this.#configured;
    const { known } = this;
    return known ?? withDeadline(GRACE_SECONDS, () => this.get()).catch(() => this.#configured);
  }

  /** The cached metadata, however old. Does not fetch. */
  get known(): IssuerMetadata | undefined {
    return this.#document.held;
  }

  get status(): DocumentStatus {
    return this.#document;
  }

  stop(): void {
    this.#document.stop();
  }

  async #discover(): Promise<IssuerMetadata> {
    const [openid, oauth] = discoveryAddresses(this.options.issuer);
    const document =
      (await this.client.getObject('discovery', openid)) ?? (await this.client.getObject('discovery', oauth));
    if (document) return this.#check(document);
    // A provider without discovery can be used if its URLs are configured.
    const { jwksUri, introspectionEndpoint } = this.options;
    if (jwksUri !== undefined || introspectionEndpoint !== undefined) return this.#configured;
    throw new ConfigurationError(
      `issuer: neither ${withoutQuery(openid)} nor ${withoutQuery(oauth)} exists; check that ${quoteForeign(this.options.issuer)} is the issuer`,
    );
  }

  #check(document: Record<string, unknown>): IssuerMetadata {
    const { issuer } = document;
    if (typeof issuer === 'string' && withoutSlash(issuer) === withoutSlash(this.options.issuer)) {
      return { ...document, issuer };
    }
    const configured = quoteForeign(this.options.issuer);
    throw new ConfigurationError(
      `issuer: configured is ${configured}, but its discovery document names ${quoteForeign(issuer)}`,
    );
  }
}

/** OpenID Connect appends the well-known path to the issuer, RFC 8414 puts it before the issuer's path. */
function discoveryAddresses(configured: string): [openid: string, oauth: string] {
  const issuer = withoutSlash(configured);
  const { origin, pathname } = new URL(issuer);
  return [
    `${issuer}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`,
  ];
}

export function withoutSlash(issuer: string): string {
  return issuer.endsWith('/') ? issuer.slice(0, -1) : issuer;
}

/** Logs one line when an outage begins (what failed, why, and the effect on requests) and one line when it ends. */
export function reportOutages(
  what: string,
  log: Log,
): Pick<CachedDocumentOptions, 'onFailure' | 'onRecovery'> {
  return {
    onFailure: (error, held) => {
      const reason = error instanceof AuthError ? (error.detail ?? error.message) : String(error);
      const meaning = held ? 'the last valid response remains in use' : 'there is no cached data to use';
      log.warn(`${what} failed: ${reason}; ${meaning}`);
    },
    onRecovery: (failures) => log.warn(`${what} works again, after ${failures} failed attempts`),
  };
}
