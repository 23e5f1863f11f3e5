/**
 * The public API: the module, the decorators, the values that handlers receive, options and errors.
 *
 * @module nestjs-resource-server
 */

// The module
export { AuthModule } from './auth.module.js';
export { AuthErrorFilter } from './guard/auth-error.filter.js';
export type { GuardOptions } from './auth.module-definition.js';
export { AuthGuard } from './guard/auth.guard.js';
export { ConnectionAuthenticator } from './guard/sockets/connection-authenticator.js';
export { RouteTable } from './route-table/route-table.js';
export type { RouteEntry } from './route-table/route-entry.js';
export { applyResourceServerSecurity, type OpenApiDocument } from './openapi/openapi.js';
export type { ResourceServerSecurityOptions } from './openapi/openapi-security.js';
export {
  TokenValidationService,
  type ValidateAccessTokenOptions,
} from './validation/token-validation.service.js';

// Revocation
export { TokenRevocations, type RevokeSelector } from './revocation/token-revocations.js';
export type { Revocation, RevocationMatch } from './revocation/revocation.js';
export {
  RevocationStoreError,
  type RevocationListener,
  type RevocationStore,
  type RevocationStoreObserver,
} from './revocation/revocation-store.js';
export { MemoryRevocationStore } from './revocation/memory-revocation-store.js';
export {
  RedisRevocationStore,
  type RevocationRedisClient,
  type RevocationSubscriber,
} from './revocation/redis-revocation-store.js';
export type { BackChannelLogoutOptions } from './revocation/logout-token.js';
export type { SecurityEventsOptions } from './revocation/security-event-token.js';

// Observability
export { AuthHealthIndicator, type AuthHealth } from './observability/auth.health-indicator.js';
export { DECISION_CHANNEL, type DecisionEvent } from './guard/decision-events.js';
export {
  RECEIVED_EVENT_CHANNEL,
  REVOCATION_CHANNEL,
  type ReceivedEvent,
  type RevocationEvent,
} from './revocation/revocation-events.js';
export {
  PROVIDER_CALL_CHANNEL,
  type ProviderCallEvent,
  type ProviderOperation,
} from './issuer/provider-call.js';
export { CONNECTION_CHANNEL, type ConnectionEvent } from './guard/sockets/connection.js';

// Decorators for routes
export { Scopes } from './access/requirements/scopes.js';
export { AnyScope } from './access/requirements/any-scope.js';
export { StepUp, type StepUpOptions } from './access/requirements/step-up.js';
export {
  RequireClaims,
  type ClaimCondition,
  type ClaimPredicate,
} from './access/requirements/require-claims.js';
export { Groups, type GroupsDecoratorOptions } from './access/requirements/groups.js';
export { CertBound } from './policy/cert-bound.decorator.js';
export { DPoPBound } from './policy/dpop-bound.decorator.js';
export { Issuers } from './policy/issuers.decorator.js';
export { Audience } from './policy/audience.decorator.js';
export { Introspect, type IntrospectDecoratorOptions } from './policy/introspect.decorator.js';
export { OptionalAuth } from './policy/optional-auth.decorator.js';
export { Public } from './policy/public.decorator.js';

// Values that handlers receive
export { Claims } from './principal/claims.decorator.js';
export { AccessToken } from './principal/access-token.decorator.js';
export { Actor } from './principal/actor.decorator.js';
export { requireScopes } from './principal/require-scopes.js';
export { CurrentUser } from './principal/current-user.decorator.js';
export type { LoadUser } from './principal/user-options.js';
export { claimsOf } from './principal/authenticated-request.js';
export type { AccessTokenClaims, Confirmation } from './token/access-token-claims.js';
export type { CustomClaims } from './token/custom-claims.js';
export type { KnownScopes, ScopeName } from './access/scope-names.js';

// Calling other APIs
export { OnBehalfOf } from './calling/on-behalf-of.js';
export { ClientCredentials, type ClientTokenTarget } from './calling/client-credentials.js';
export type { TokenCaller } from './calling/access-token-source.js';
export type { TokenTarget } from './calling/token-target.js';
export type { TokenExchangeOptions } from './options/calling-options.js';

// Options
export type { AuthModuleOptions, AuthOptionsFactory } from './options/auth-options.js';
export type { FindIssuer, IssuerOptions } from './options/issuers.js';
export type { OpaqueTokenIssuer } from './options/opaque-token-issuer.js';
export { IssuerRegistry } from './issuer/issuer-registry.js';
export type { CertificateResolver, IncomingRequest, TokenResolver } from './credentials/incoming-request.js';
export type { MessageTokenResolver } from './credentials/message-token.js';
export { bearerToken } from './credentials/extract-credentials.js';
export {
  certificateFromHeader,
  type CertificateFromHeaderOptions,
} from './credentials/certificate-from-header.js';
export type { ResourceMetadataOptions } from './options/resource.js';
export { DPoPProofError, type DPoPMode, type DPoPOptions } from './binding/dpop-proof.js';
export { MemoryReplayStore } from './binding/memory-replay-store.js';
export {
  RedisReplayStore,
  ReplayStoreError,
  type RedisClient,
  type ReplayStore,
  type UsedProof,
} from './binding/replay-store.js';
export type { ClientAuthMethod, ClientKey } from './issuer/client-authentication.js';
export type { ForgetSelector } from './introspection/forget-selector.js';
export type { Fetcher } from './issuer/provider-client.js';
export type { CacheManagerCache, ClaimsCache, KeyvCache } from './introspection/shared-cache.js';
export type { ForgetReport } from './validation/token-validator.js';

// Errors
export {
  AuthError,
  ConfigurationError,
  InvalidRequestError,
  MissingTokenError,
  ProviderError,
  ProviderUnavailableError,
  TokenError,
  type TokenErrorCode,
  type TokenErrorReason,
} from './errors/auth.errors.js';
