/** The public API, grouped as the README groups it. */

// The module
export { AuthModule } from './auth.module.js';
export { AuthGuard } from './auth.guard.js';
export { RouteTable } from './route-table.js';
export type { RouteEntry } from './route/route-entry.js';
export { applyResourceServerSecurity, type OpenApiDocument } from './openapi.js';
export type { ResourceServerSecurityOptions } from './route/openapi-security.js';
export { TokenValidationService, type ValidateAccessTokenOptions } from './token-validation.service.js';

// What an operator watches
export { AuthHealthIndicator, type AuthHealth } from './auth.health-indicator.js';
export { DECISION_CHANNEL, type DecisionEvent } from './auth.events.js';
export {
  PROVIDER_CALL_CHANNEL,
  type ProviderCallEvent,
  type ProviderOperation,
} from './token/provider-call.js';

// Decorators for routes
export { Scopes } from './route/scopes.decorator.js';
export { Groups, type GroupsDecoratorOptions } from './route/groups.decorator.js';
export { CertBound } from './route/cert-bound.decorator.js';
export { DPoPBound } from './route/dpop-bound.decorator.js';
export { Introspect, type IntrospectDecoratorOptions } from './route/introspect.decorator.js';
export { OptionalAuth } from './route/optional-auth.decorator.js';
export { Public } from './route/public.decorator.js';

// What a handler gets
export { Claims } from './principal/claims.decorator.js';
export { AccessToken } from './principal/access-token.decorator.js';
export { claimsOf } from './principal/authenticated-request.js';
export type { AccessTokenClaims, Confirmation } from './token/access-token-claims.js';
export type { CustomClaims } from './token/custom-claims.js';

// Options
export type { AuthModuleOptions, AuthOptionsFactory } from './options/auth-options.js';
export type { CertificateResolver, IncomingRequest, TokenResolver } from './credentials/incoming-request.js';
export {
  certificateFromHeader,
  type CertificateFromHeaderOptions,
} from './credentials/certificate-from-header.js';
export type { ResourceMetadataOptions } from './access/protected-resource.js';
export { DPoPProofError, type DPoPMode, type DPoPOptions } from './binding/dpop-proof.js';
export {
  MemoryReplayStore,
  RedisReplayStore,
  ReplayStoreError,
  type RedisClient,
  type ReplayStore,
} from './binding/replay-store.js';
export type { ClientAuthMethod, ClientKey } from './token/client-authentication.js';
export type { ForgetSelector } from './token/introspection-cache.js';
export type { Fetcher } from './token/provider-client.js';
export type { CacheManagerCache, ClaimsCache, KeyvCache } from './token/shared-cache.js';
export type { ForgetReport } from './token/token-validator.js';

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
