/** Where does the issuer keep its keys? OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3. */
import { AuthError, ConfigurationError } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { CachedDocument, type CachedDocumentOptions, type DocumentStatus } from './cached-document.js';
import { withoutQuery } from './provider-answer.js';
import { type ProviderClient } from './provider-client.js';

export interface MetadataOptions {
  /**
   * Base of discovery, and what `iss` must equal, character by character. A trailing slash may differ here: what the
   * discovery document calls itself counts.
   */
  readonly issuer: string;
  /**
   * What `iss` of access tokens says where it is not the issuer: AD FS names it `access_token_issuer` in its
   * [metadata](../../docs/providers.md#ad-fs).
   *
   * Compared character by character. The discovery document and signed introspection answers must still name the issuer.
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
   * The key set's address, for providers whose metadata lacks it or that have no discovery.
   *
   * @default from discovery
   */
  readonly jwksUri?: string | undefined;
  /**
   * The introspection endpoint's address, for providers whose metadata lacks it.
   *
   * @default from discovery
   */
  readonly introspectionEndpoint?: string | undefined;
  /**
   * How much longer keys and metadata serve while the issuer cannot be asked, in seconds; `0`: not at all.
   *
   * A key that is withdrawn during an outage works this long.
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
  readonly mtls_endpoint_aliases?: unknown;
  /** AD FS only. */
  readonly access_token_issuer?: unknown;
}

export class IssuerMetadataSource {
  readonly #document: CachedDocument<IssuerMetadata>;

  constructor(
    private readonly client: ProviderClient,
    private readonly options: MetadataOptions,
    log: Log,
  ) {
    this.#document = new CachedDocument(() => this.#discover(), {
      freshFor: options.metadataCacheDuration,
      staleFor: options.maxStale,
      ...reportOutages('discovery', log),
    });
  }

  get(): IssuerMetadata | Promise<IssuerMetadata> {
    return this.#document.get();
  }

  /** What is at hand; nothing is fetched for it. */
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
    // A provider without discovery can be used if the application says where things are.
    const { jwksUri, introspectionEndpoint } = this.options;
    if (jwksUri !== undefined || introspectionEndpoint !== undefined) return { issuer: this.options.issuer };
    throw new ConfigurationError(
      `issuer: neither ${withoutQuery(openid)} nor ${withoutQuery(oauth)} is there; is ${quoteForeign(this.options.issuer)} the issuer?`,
    );
  }

  #check(document: Record<string, unknown>): IssuerMetadata {
    const { issuer } = document;
    if (typeof issuer === 'string' && withoutSlash(issuer) === withoutSlash(this.options.issuer)) {
      return { ...document, issuer };
    }
    const configured = quoteForeign(this.options.issuer);
    throw new ConfigurationError(
      `issuer: configured is ${configured}, but the discovery document there is that of ${quoteForeign(issuer)}`,
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

function withoutSlash(issuer: string): string {
  return issuer.endsWith('/') ? issuer.slice(0, -1) : issuer;
}

/** One line when an outage begins, one when it is over: what failed, why, and what it means for requests. */
export function reportOutages(
  what: string,
  log: Log,
): Pick<CachedDocumentOptions, 'onFailure' | 'onRecovery'> {
  return {
    onFailure: (error, held) => {
      const reason = error instanceof AuthError ? (error.detail ?? error.message) : String(error);
      const meaning = held ? 'the last good answer stays in use' : 'nothing is held to go on with';
      log.warn(`${what} failed: ${reason}; ${meaning}`);
    },
    onRecovery: (failures) => log.warn(`${what} works again, after ${failures} failed attempts`),
  };
}
