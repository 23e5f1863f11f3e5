/** The composition root: turns options into objects. */
import { Logger, type DynamicModule, type Provider } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { ModulesContainer } from '@nestjs/core';
import { AuthLifecycle } from './auth.lifecycle.js';
import { AuthErrorFilter } from './guard/auth-error.filter.js';
import { AuthGuard } from './guard/auth.guard.js';
import { GuardCoverage } from './guard/guard-coverage.js';
import { GuardInPlace } from './guard/guard-in-place.js';
import { MessageAudit } from './guard/message-audit.js';
import { MessageHandlers } from './guard/message-handlers.js';
import { refuseMisplacedImports } from './guard/module-imports.js';
import { OpenStreams } from './guard/streams/open-streams.js';
import { AuthHealthIndicator } from './observability/auth.health-indicator.js';
import { MODULE_OPTIONS_TOKEN } from './auth.module-definition.js';
import { NonceIssuer } from './binding/dpop-nonce.js';
import { DPoPProofVerifier } from './binding/dpop-proof.js';
import { MemoryReplayStore } from './binding/memory-replay-store.js';
import { AccessTokenSource } from './calling/access-token-source.js';
import { ClientCredentials } from './calling/client-credentials.js';
import { OnBehalfOf } from './calling/on-behalf-of.js';
import { ConfigurationError } from './errors/auth.errors.js';
import { ControllerRoutes } from './route-table/controller-routes.js';
import type { AuthModuleOptions, ResolvedOptions } from './options/auth-options.js';
import { DEFAULT_PREFIX, resolveOptions, unknownVariables } from './options/resolve-options.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';
import { ResourceMetadata } from './resource-metadata/resource-metadata.js';
import { ResolverRoutes } from './route-table/resolver-routes.js';
import { RouteTable } from './route-table/route-table.js';
import { createTrustedIssuer, type TrustedIssuer } from './validation/trusted-issuer.js';
import { TokenValidationService } from './validation/token-validation.service.js';
import { ProviderConnection } from './issuer/provider-connection.js';
import { TokenValidator } from './validation/token-validator.js';

/** Everything that judges tokens, made once. */
const TRUSTED_ISSUER = Symbol('nestjs-resource-server:token');

export const PROVIDERS: Provider[] = [
  {
    provide: RESOLVED_OPTIONS,
    inject: [ModulesContainer, MODULE_OPTIONS_TOKEN, { token: ConfigService, optional: true }],
    // Without a ConfigService in sight, a bare one reads the process's environment.
    useFactory: (
      modules: ModulesContainer,
      given: AuthModuleOptions | undefined,
      config: ConfigService = new ConfigService(),
    ): ResolvedOptions => {
      // Before anything is made of the options: providers touch the adapter, which may be listening already.
      refuseMisplacedImports(modules);
      const unknown = unknownVariables(given?.envPrefix ?? DEFAULT_PREFIX, Object.keys(process.env));
      if (unknown.length > 0)
        new Logger('AuthModule').warn(`not a variable of this module: ${unknown.join(', ')}`);
      return resolveOptions(given ?? {}, (name) => config.get<unknown>(name));
    },
  },
  {
    provide: TRUSTED_ISSUER,
    inject: [RESOLVED_OPTIONS],
    useFactory: (options: ResolvedOptions) => createTrustedIssuer(options, new Logger('AuthModule')),
  },
  { provide: TokenValidator, inject: [TRUSTED_ISSUER], useFactory: (room: TrustedIssuer) => room.validator },
  {
    provide: ProviderConnection,
    inject: [TRUSTED_ISSUER],
    useFactory: (room: TrustedIssuer) => room.connection,
  },
  { provide: DPoPProofVerifier, inject: [RESOLVED_OPTIONS], useFactory: makeProofVerifier },
  {
    provide: AccessTokenSource,
    inject: [TRUSTED_ISSUER, RESOLVED_OPTIONS],
    useFactory: makeTokenSource,
  },
  OnBehalfOf,
  ClientCredentials,
  TokenValidationService,
  AuthHealthIndicator,
  ControllerRoutes,
  ResolverRoutes,
  RouteTable,
  ResourceMetadata,
  AuthErrorFilter,
  GuardCoverage,
  GuardInPlace,
  MessageHandlers,
  MessageAudit,
  AuthLifecycle,
  OpenStreams,
  AuthGuard,
];

/** What applications inject, and what `AuthGuard` needs in each module that has a class under `@UseGuards(AuthGuard)`. */
export const EXPORTS: NonNullable<DynamicModule['exports']> = [
  OnBehalfOf,
  ClientCredentials,
  TokenValidationService,
  AuthHealthIndicator,
  RouteTable,
  AuthGuard,
  TokenValidator,
  RESOLVED_OPTIONS,
  DPoPProofVerifier,
  GuardInPlace,
  OpenStreams,
];

function makeProofVerifier({ dpop, clockSkew }: ResolvedOptions): DPoPProofVerifier | null {
  if (dpop.mode === 'off') return null;
  const nonces = dpop.nonce === undefined ? undefined : new NonceIssuer(dpop.nonce);
  return new DPoPProofVerifier({ ...dpop, clockSkew }, dpop.replayStore ?? new MemoryReplayStore(), nonces);
}

function makeTokenSource(issuer: TrustedIssuer, options: ResolvedOptions): AccessTokenSource {
  return new AccessTokenSource(
    {
      validate: (token) => issuer.validator.validate(token),
      issuerFor: (name) => {
        if (name === undefined || name === options.issuer) return issuer;
        throw new ConfigurationError('ClientCredentials: no such issuer is configured');
      },
    },
    options,
  );
}
