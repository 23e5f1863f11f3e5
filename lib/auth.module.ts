/** The composition root: turns options into objects and registers the guard. */
import { Inject, Logger, Module, type DynamicModule, type OnModuleInit, type Provider } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { APP_GUARD, DiscoveryModule, DiscoveryService, MetadataScanner } from '@nestjs/core';
import { AuthGuard } from './auth.guard.js';
import {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type ASYNC_OPTIONS_TYPE,
} from './auth.module-definition.js';
import { NonceIssuer } from './binding/dpop-nonce.js';
import { DPoPProofVerifier } from './binding/dpop-proof.js';
import { MemoryReplayStore } from './binding/replay-store.js';
import { ConfigurationError } from './errors/auth.errors.js';
import type { AuthModuleOptions, ResolvedOptions } from './options/auth-options.js';
import { DEFAULT_PREFIX, resolveOptions, unknownVariables } from './options/resolve-options.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';
import { readRoutePolicy } from './route/route-policy.js';
import { TokenValidationService } from './token-validation.service.js';
import { IssuerKeys } from './token/issuer-keys.js';
import { IssuerMetadataSource } from './token/issuer-metadata.js';
import { IntrospectionCache } from './token/introspection-cache.js';
import { IntrospectionClient } from './token/introspection-client.js';
import { JwtTokenValidator } from './token/jwt-token.validator.js';
import { OpaqueTokenValidator } from './token/opaque-token.validator.js';
import { ProviderClient } from './token/provider-client.js';
import { Sealer } from './token/sealed-value.js';
import { SharedCache } from './token/shared-cache.js';
import { SignatureVerifier } from './token/signature-verifier.js';
import { TokenValidator } from './token/token-validator.js';

const PROVIDERS: Provider[] = [
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
    provide: TokenValidator,
    inject: [RESOLVED_OPTIONS],
    useFactory: (options: ResolvedOptions): TokenValidator => {
      const log = new Logger('AuthModule');
      const client = new ProviderClient(options);
      const metadata = new IssuerMetadataSource(client, options, log);
      const keys = new IssuerKeys(metadata, client, options, log);
      const signatures = new SignatureVerifier(keys, options);
      const jwts = new JwtTokenValidator(keys, signatures, options);
      if (options.clientId === undefined) return new TokenValidator(jwts, undefined, options, log);

      const shared = options.cache && new SharedCache(options.cache, log);
      const cache = new IntrospectionCache(options, new Sealer(sharedSecretOf(options)), shared);
      const introspection = new IntrospectionClient(metadata, client, signatures, options, log);
      return new TokenValidator(
        jwts,
        { tokens: new OpaqueTokenValidator(introspection, cache, options), cache },
        options,
        log,
      );
    },
  },
  {
    provide: DPoPProofVerifier,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ dpop, clockSkew }: ResolvedOptions): DPoPProofVerifier | null => {
      if (dpop.mode === 'off') return null;
      const nonces = dpop.nonce === undefined ? undefined : new NonceIssuer(dpop.nonce);
      return new DPoPProofVerifier(
        { ...dpop, clockSkew },
        dpop.replayStore ?? new MemoryReplayStore(),
        nonces,
      );
    },
  },
  TokenValidationService,
  AuthGuard,
  // Not useClass: only a provider under its own token can be overridden in tests.
  { provide: APP_GUARD, useExisting: AuthGuard },
];

/**
 * Protects every route of the application. Global: import it once, in the root module.
 *
 * Reads what the code leaves out from the environment (see {@link AuthModuleOptions}).
 *
 * @throws {ConfigurationError} at start-up, with every mistake in options, variables and decorators
 */
@Module({ imports: [DiscoveryModule] })
export class AuthModule extends ConfigurableModuleClass implements OnModuleInit {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(TokenValidator) private readonly tokens: TokenValidator,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    super();
  }

  static override forRoot(options: AuthModuleOptions = {}): DynamicModule {
    return provide(super.forRoot(options));
  }

  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return provide(super.forRootAsync(options));
  }

  /** Compiles the policy of every route before the first request, so that contradictions stop the start. */
  onModuleInit(): void {
    const problems = this.discovery.getControllers().flatMap(({ metatype }) => this.#problemsOf(metatype));
    if (problems.length > 0) {
      throw new ConfigurationError(['AuthModule: decorators that cannot hold', ...problems].join('\n  '));
    }
  }

  #problemsOf(controller: unknown): string[] {
    if (typeof controller !== 'function') return [];
    const prototype = controller.prototype as Record<string, { readonly name: string }>;
    return this.scanner.getAllMethodNames(prototype).flatMap((method) => {
      const handler = prototype[method];
      if (!handler) return [];
      try {
        const { introspectMaxAge, dpopBound } = readRoutePolicy(controller, handler);
        const place = `${controller.name}.${method}`;
        return [
          ...(introspectMaxAge !== undefined && !this.tokens.canIntrospect
            ? [`${place}: @Introspect() needs introspection: configure clientId and clientSecret`]
            : []),
          ...(dpopBound && this.options.dpop.mode === 'off'
            ? [`${place}: @DPoPBound(), but dpop.mode is off`]
            : []),
        ];
      } catch (error) {
        if (error instanceof ConfigurationError) return error.message;
        throw error;
      }
    });
  }
}

/** What all instances of this API hold and nobody else does. */
function sharedSecretOf({ clientSecret, clientCertificateKey }: ResolvedOptions): string {
  return (typeof clientSecret === 'string' ? clientSecret : clientSecret?.d) ?? clientCertificateKey ?? '';
}

function provide(definition: DynamicModule): DynamicModule {
  return {
    ...definition,
    global: true,
    providers: [...(definition.providers ?? []), ...PROVIDERS],
    exports: [TokenValidationService, AuthGuard],
  };
}
