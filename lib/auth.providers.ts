/** The composition root: turns options into objects. */
import { Logger, type Provider } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { APP_GUARD } from '@nestjs/core';
import { AuthErrorFilter } from './guard/auth-error.filter.js';
import { AuthGuard } from './guard/auth.guard.js';
import { OpenStreams } from './guard/streams/open-streams.js';
import { AuthHealthIndicator } from './observability/auth.health-indicator.js';
import { MODULE_OPTIONS_TOKEN } from './auth.module-definition.js';
import { NonceIssuer } from './binding/dpop-nonce.js';
import { DPoPProofVerifier } from './binding/dpop-proof.js';
import { MemoryReplayStore } from './binding/memory-replay-store.js';
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
    inject: [MODULE_OPTIONS_TOKEN, { token: ConfigService, optional: true }],
    // Without a ConfigService in sight, a bare one reads the process's environment.
    useFactory: (
      given: AuthModuleOptions | undefined,
      config: ConfigService = new ConfigService(),
    ): ResolvedOptions => {
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
  TokenValidationService,
  AuthHealthIndicator,
  ControllerRoutes,
  ResolverRoutes,
  RouteTable,
  ResourceMetadata,
  AuthErrorFilter,
  OpenStreams,
  AuthGuard,
  // Not useClass: only a provider under its own token can be overridden in tests.
  { provide: APP_GUARD, useExisting: AuthGuard },
];

function makeProofVerifier({ dpop, clockSkew }: ResolvedOptions): DPoPProofVerifier | null {
  if (dpop.mode === 'off') return null;
  const nonces = dpop.nonce === undefined ? undefined : new NonceIssuer(dpop.nonce);
  return new DPoPProofVerifier({ ...dpop, clockSkew }, dpop.replayStore ?? new MemoryReplayStore(), nonces);
}
