/** The types of all options. Each folder declares and documents its own part. */
import type { GroupOptions } from '../access/requirement.js';
import type { DPoPOptions } from '../binding/dpop-proof.js';
import type { BindingOptions } from '../binding/sender-constraint.js';
import type { ResolverOptions } from '../credentials/incoming-request.js';
import type { MessageOptions } from '../credentials/message-token.js';
import type { TargetOptions } from '../credentials/target-uri.js';
import type { UserOptions } from '../principal/user-options.js';
import type { AuditOptions } from './audit-options.js';
import type { TokenExchangeOptions } from './calling-options.js';
import type { IssuersOptions, ResolvedIssuerOptions } from './issuers.js';
import type { ProfileOptions } from './profile.js';
import type { ResourceMetadataOptions } from './resource.js';
import type { BackChannelLogoutOptions, LogoutOptions } from '../revocation/logout-token.js';
import type { RevocationOptions } from '../revocation/revocation-store.js';
import type { SecurityEventsOptions } from '../revocation/security-event-token.js';

/** Every option with its value: from the code, else from the environment, else the default. */
export interface ResolvedOptions
  extends
    Omit<ResolvedIssuerOptions, 'issuer' | 'name'>,
    Pick<IssuersOptions, 'opaqueTokenIssuer'>,
    BindingOptions,
    ResolverOptions,
    MessageOptions,
    TargetOptions,
    AuditOptions,
    UserOptions,
    ProfileOptions,
    RevocationOptions,
    LogoutOptions {
  /** The issuers that are known at start, each with all of its options. Not an option. */
  readonly issuers: readonly ResolvedIssuerOptions[];
  /** For tenants that are not known at start. Not an option. */
  readonly findIssuer:
    | ((iss: string) => ResolvedIssuerOptions | undefined | Promise<ResolvedIssuerOptions | undefined>)
    | undefined;
  readonly groupOptions: GroupOptions;
  /** Proof of possession (RFC 9449). Challenges name the scheme where this was set. */
  readonly dpop: DPoPOptions;
  /** How [tokens for other APIs](../../docs/calling-apis.md) are requested on behalf of the caller. */
  readonly tokenExchange: TokenExchangeOptions;
  /** `dpop` was set, by code or environment, and not to `off`. Not an option. */
  readonly offersDPoP: boolean;
  /** The algorithms of DPoP proofs that are accepted. Not an option. */
  readonly proofAlgorithms: readonly string[];
  /**
   * Publishes [what clients need to get a token](../../docs/resource-metadata.md) for this API (RFC 9728),
   * and adds its address to every challenge: `true`, or an object.
   *
   * @default false
   */
  readonly resourceMetadata: ResourceMetadataOptions | undefined;
  /**
   * Receives [Security Event Tokens](../../docs/revocation.md#security-events) (RFC 8417) that a transmitter pushes
   * (RFC 8935), and revokes the tokens of their subjects.
   *
   * @default none are received
   */
  readonly securityEvents?: SecurityEventsOptions | undefined;
}

type Settable<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined };

/**
 * Options of {@link AuthModule}. Options that are left out are read from the environment through `ConfigService`, with the prefix
 * `envPrefix`. Times are in seconds. All options are validated at start-up; one {@link ConfigurationError} lists all mistakes.
 *
 * @example
 * ```ts
 * AuthModule.forRoot({ issuer: 'https://auth.example.com', audience: 'https://api.example.com', clockTolerance: 30 });
 * ```
 */
export interface AuthModuleOptions extends Settable<
  Omit<
    ResolvedOptions,
    | 'groupOptions'
    | 'dpop'
    | 'tokenExchange'
    | 'offersDPoP'
    | 'proofAlgorithms'
    | 'resourceMetadata'
    | 'issuers'
    | 'findIssuer'
    | 'backChannelLogout'
  > &
    Pick<ResolvedIssuerOptions, 'issuer'> &
    IssuersOptions
> {
  /** Another name of `issuer`, as in the MonoCloud Backend SDK. */
  readonly tenantDomain?: string | undefined;
  readonly groupOptions?: Settable<GroupOptions> | undefined;
  /** DPoP (RFC 9449). If set, challenges also offer the scheme DPoP. */
  readonly dpop?: Settable<DPoPOptions> | undefined;
  /** How tokens for other APIs are requested on behalf of the caller. */
  readonly tokenExchange?: Settable<TokenExchangeOptions> | undefined;
  /**
   * Publishes what clients need to get a token for this API, at `/.well-known/oauth-protected-resource` (RFC 9728), and
   * adds its URL to every challenge. @default false
   */
  readonly resourceMetadata?: boolean | Settable<ResourceMetadataOptions> | undefined;
  /**
   * Receives logout tokens of OpenID Connect Back-Channel Logout 1.0 and revokes the tokens of the session: `true`, or an
   * object with the `path`. @default false
   */
  readonly backChannelLogout?: boolean | Settable<BackChannelLogoutOptions> | undefined;
  /** The prefix of this module's environment variables. @default 'MONOCLOUD_BACKEND_' */
  readonly envPrefix?: string | undefined;
}

/** Provides the options for `forRootAsync({ useClass })` and `useExisting`. */
export interface AuthOptionsFactory {
  createAuthOptions(): AuthModuleOptions | Promise<AuthModuleOptions>;
}
