/** The composition root: the providers of the module, created from the options. */
import { Logger, type DynamicModule, type Provider } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { ModulesContainer } from '@nestjs/core';
import { AuthLifecycle } from './auth.lifecycle.js';
import { ConfigurationError } from './errors/auth.errors.js';
import { AuthErrorFilter } from './guard/auth-error.filter.js';
import { AuthGuard } from './guard/auth.guard.js';
import { GuardCoverage } from './guard/guard-coverage.js';
import { GuardInPlace } from './guard/guard-in-place.js';
import { MessageAudit } from './guard/message-audit.js';
import { MessageHandlers } from './guard/message-handlers.js';
import { MessageWatch } from './guard/rpc/message-watch.js';
import { refuseMisplacedImports } from './guard/module-imports.js';
import { ConnectionAuthenticator } from './guard/sockets/connection-authenticator.js';
import { SocketGateways } from './guard/sockets/socket-gateways.js';
import { OpenStreams } from './guard/streams/open-streams.js';
import { AuthHealthIndicator } from './observability/auth.health-indicator.js';
import { MODULE_OPTIONS_TOKEN } from './auth.module-definition.js';
import { NonceIssuer } from './binding/dpop-nonce.js';
import { DPoPProofVerifier } from './binding/dpop-proof.js';
import { MemoryReplayStore } from './binding/memory-replay-store.js';
import { AccessTokenSource } from './calling/access-token-source.js';
import { ClientCredentials } from './calling/client-credentials.js';
import { OnBehalfOf } from './calling/on-behalf-of.js';
import { ControllerRoutes } from './route-table/controller-routes.js';
import type { AuthModuleOptions, ResolvedOptions } from './options/auth-options.js';
import { DEFAULT_PREFIX, resolveOptions, unknownVariables } from './options/resolve-options.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';
import { ResourceMetadata } from './resource-metadata/resource-metadata.js';
import { MessageRoutes } from './route-table/message-routes.js';
import { GatewayRoutes } from './route-table/gateway-routes.js';
import { ResolverRoutes } from './route-table/resolver-routes.js';
import { BackChannelLogout } from './receivers/back-channel-logout.js';
import { SecurityEvents } from './receivers/security-events.js';
import { KnownRevocations } from './revocation/known-revocations.js';
import { LogoutTokens } from './revocation/logout-token.js';
import { SecurityEventTokens } from './revocation/security-event-token.js';
import { TokenRevocations } from './revocation/token-revocations.js';
import { TrustedIssuer } from './issuer/trusted-issuer.js';
import { RouteTable } from './route-table/route-table.js';
import { TokenValidationService } from './validation/token-validation.service.js';
import { IssuerRegistry } from './issuer/issuer-registry.js';
import { createTokenValidator, TokenValidator } from './validation/token-validator.js';

export const PROVIDERS: Provider[] = [
  {
    provide: RESOLVED_OPTIONS,
    inject: [ModulesContainer, MODULE_OPTIONS_TOKEN, { token: ConfigService, optional: true }],
    useFactory: (
      modules: ModulesContainer,
      given: AuthModuleOptions | undefined,
      config: ConfigService | undefined,
    ): ResolvedOptions => {
      // Checked before other providers are created: they access the HTTP adapter, which may be listening already.
      refuseMisplacedImports(modules);
      const unknown = unknownVariables(given?.envPrefix ?? DEFAULT_PREFIX, Object.keys(process.env));
      if (unknown.length > 0)
        new Logger('AuthModule').warn(`not a variable of this module: ${unknown.join(', ')}`);
      return config
        ? resolveOptions(given ?? {}, (name) => config.get<unknown>(name))
        : resolveByProcess(given ?? {});
    },
  },
  {
    provide: TokenValidator,
    inject: [RESOLVED_OPTIONS],
    useFactory: (options: ResolvedOptions) => createTokenValidator(options, new Logger('AuthModule')),
  },
  {
    provide: IssuerRegistry,
    inject: [TokenValidator],
    useFactory: ({ issuers }: TokenValidator) => issuers,
  },
  {
    provide: KnownRevocations,
    inject: [TokenValidator],
    useFactory: ({ revocations }: TokenValidator): KnownRevocations => revocations,
  },
  {
    provide: TokenRevocations,
    inject: [TokenValidator, RESOLVED_OPTIONS],
    useFactory: ({ revocations, issuers }: TokenValidator, options: ResolvedOptions) =>
      new TokenRevocations(revocations, issuers, options),
  },
  {
    provide: LogoutTokens,
    inject: [TokenValidator, RESOLVED_OPTIONS],
    useFactory: ({ revocations, issuers }: TokenValidator, options: ResolvedOptions) =>
      new LogoutTokens(issuers, revocations, options),
  },
  {
    provide: SecurityEventTokens,
    inject: [TokenValidator, RESOLVED_OPTIONS],
    useFactory: makeSecurityEventTokens,
  },
  { provide: DPoPProofVerifier, inject: [RESOLVED_OPTIONS], useFactory: makeProofVerifier },
  {
    provide: AccessTokenSource,
    inject: [TokenValidator, RESOLVED_OPTIONS],
    useFactory: makeTokenSource,
  },
  OnBehalfOf,
  ClientCredentials,
  TokenValidationService,
  AuthHealthIndicator,
  ControllerRoutes,
  ResolverRoutes,
  MessageRoutes,
  GatewayRoutes,
  RouteTable,
  ResourceMetadata,
  BackChannelLogout,
  SecurityEvents,
  AuthErrorFilter,
  GuardCoverage,
  GuardInPlace,
  MessageHandlers,
  MessageWatch,
  MessageAudit,
  AuthLifecycle,
  OpenStreams,
  SocketGateways,
  ConnectionAuthenticator,
  AuthGuard,
];

/** Providers that applications inject, and those that `AuthGuard` needs in each module with `@UseGuards(AuthGuard)`. */
export const EXPORTS: NonNullable<DynamicModule['exports']> = [
  OnBehalfOf,
  ClientCredentials,
  TokenValidationService,
  TokenRevocations,
  AuthHealthIndicator,
  RouteTable,
  AuthGuard,
  TokenValidator,
  IssuerRegistry,
  RESOLVED_OPTIONS,
  DPoPProofVerifier,
  GuardInPlace,
  OpenStreams,
  ConnectionAuthenticator,
];

/**
 * Resolves the options from the environment of the process, for applications without a global `ConfigService`.
 *
 * @throws {ConfigurationError} if a required option is missing, the message also says that `.env` was not read
 */
function resolveByProcess(given: AuthModuleOptions): ResolvedOptions {
  const config = new ConfigService();
  try {
    return resolveOptions(given, (name) => config.get<unknown>(name));
  } catch (error) {
    if (!(error instanceof ConfigurationError) || !error.message.includes('): required')) throw error;
    throw new ConfigurationError(
      `${error.message}\n  .env was not read: the application imports no ConfigModule.forRoot({ isGlobal: true })`,
    );
  }
}

function makeSecurityEventTokens(
  { issuers, revocations, queue }: TokenValidator,
  options: ResolvedOptions,
): SecurityEventTokens | null {
  const { securityEvents } = options;
  if (!securityEvents) return null;
  const {
    audience,
    jwksUri,
    issuer = jwksUri === undefined ? undefined : issuers.only?.issuer,
  } = securityEvents;
  const configured =
    jwksUri === undefined
      ? issuers.known.find((each) => [each.name, each.issuer].includes(issuer ?? ''))
      : undefined;
  // For a transmitter whose access tokens are not accepted here, or that signs events with other keys.
  const makeTransmitter = (name: string): TrustedIssuer =>
    new TrustedIssuer(
      {
        ...options,
        issuer: name,
        jwksUri,
        accessTokenIssuer: undefined,
        clientId: undefined,
        introspectJwtTokens: false,
        introspectionEndpoint: undefined,
      },
      new Logger('AuthModule'),
      { queue },
    );
  const transmitter = configured ?? (issuer === undefined ? undefined : makeTransmitter(issuer));
  return new SecurityEventTokens(transmitter, issuers, revocations, { ...options, audience });
}

function makeProofVerifier({ dpop, clockSkew, proofAlgorithms }: ResolvedOptions): DPoPProofVerifier | null {
  if (dpop.mode === 'off') return null;
  const nonces = dpop.nonce === undefined ? undefined : new NonceIssuer(dpop.nonce);
  const options = { ...dpop, clockSkew, algorithms: proofAlgorithms };
  return new DPoPProofVerifier(options, dpop.replayStore ?? new MemoryReplayStore(), nonces);
}

function makeTokenSource(tokens: TokenValidator, options: ResolvedOptions): AccessTokenSource {
  const source = new AccessTokenSource(tokens, options);
  tokens.onForget((picks) => source.forget(picks));
  return source;
}
