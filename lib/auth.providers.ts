/** The composition root: turns options into objects. */
import { Logger, type Provider } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { APP_GUARD } from '@nestjs/core';
import { AuthGuard } from './auth.guard.js';
import { AuthHealthIndicator } from './auth.health-indicator.js';
import { MODULE_OPTIONS_TOKEN } from './auth.module-definition.js';
import { NonceIssuer } from './binding/dpop-nonce.js';
import { DPoPProofVerifier } from './binding/dpop-proof.js';
import { MemoryReplayStore } from './binding/replay-store.js';
import { ControllerRoutes } from './controller-routes.js';
import type { AuthModuleOptions, ResolvedOptions } from './options/auth-options.js';
import { DEFAULT_PREFIX, resolveOptions, unknownVariables } from './options/resolve-options.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';
import { RouteTable } from './route-table.js';
import { TokenValidationService } from './token-validation.service.js';
import { CircuitBreaker } from './token/circuit-breaker.js';
import { IntrospectionCache } from './token/introspection-cache.js';
import { IntrospectionClient } from './token/introspection-client.js';
import { IssuerKeys } from './token/issuer-keys.js';
import { IssuerMetadataSource } from './token/issuer-metadata.js';
import { JwtTokenValidator } from './token/jwt-token.validator.js';
import { OpaqueTokenValidator } from './token/opaque-token.validator.js';
import { ProviderClient } from './token/provider-client.js';
import { ProviderConnection } from './token/provider-connection.js';
import { Sealer } from './token/sealed-value.js';
import { SharedCache } from './token/shared-cache.js';
import { SignatureVerifier } from './token/signature-verifier.js';
import { TokenValidator, type Introspection } from './token/token-validator.js';

/** Everything that judges tokens, made once. */
const TOKEN_ROOM = Symbol('nestjs-resource-server:token');

interface TokenRoom {
  readonly validator: TokenValidator;
  readonly connection: ProviderConnection;
}

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
  { provide: TOKEN_ROOM, inject: [RESOLVED_OPTIONS], useFactory: furnishTokenRoom },
  { provide: TokenValidator, inject: [TOKEN_ROOM], useFactory: (room: TokenRoom) => room.validator },
  { provide: ProviderConnection, inject: [TOKEN_ROOM], useFactory: (room: TokenRoom) => room.connection },
  { provide: DPoPProofVerifier, inject: [RESOLVED_OPTIONS], useFactory: makeProofVerifier },
  TokenValidationService,
  AuthHealthIndicator,
  ControllerRoutes,
  RouteTable,
  AuthGuard,
  // Not useClass: only a provider under its own token can be overridden in tests.
  { provide: APP_GUARD, useExisting: AuthGuard },
];

function furnishTokenRoom(options: ResolvedOptions): TokenRoom {
  const log = new Logger('AuthModule');
  const client = new ProviderClient(options);
  const metadata = new IssuerMetadataSource(client, options, log);
  const keys = new IssuerKeys(metadata, client, options, log);
  const signatures = new SignatureVerifier(keys, options);
  const breaker = new CircuitBreaker();
  const jwts = new JwtTokenValidator(keys, signatures, options);

  let introspection: Introspection | undefined;
  if (options.clientId !== undefined) {
    const shared = options.cache && new SharedCache(options.cache, log);
    const cache = new IntrospectionCache(options, new Sealer(sharedSecretOf(options)), shared);
    const asking = new IntrospectionClient(metadata, client, signatures, breaker, options, log);
    introspection = { tokens: new OpaqueTokenValidator(asking, cache, options), cache };
  }
  return {
    validator: new TokenValidator(jwts, introspection, options, log),
    connection: new ProviderConnection(client, metadata, keys, breaker, options),
  };
}

/** What all instances of this API hold and nobody else does. */
function sharedSecretOf({ clientSecret, clientCertificateKey }: ResolvedOptions): string {
  return (typeof clientSecret === 'string' ? clientSecret : clientSecret?.d) ?? clientCertificateKey ?? '';
}

function makeProofVerifier({ dpop, clockSkew }: ResolvedOptions): DPoPProofVerifier | null {
  if (dpop.mode === 'off') return null;
  const nonces = dpop.nonce === undefined ? undefined : new NonceIssuer(dpop.nonce);
  return new DPoPProofVerifier({ ...dpop, clockSkew }, dpop.replayStore ?? new MemoryReplayStore(), nonces);
}
