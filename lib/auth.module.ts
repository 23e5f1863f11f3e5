/** The module: registers the guard for every route, and has what it needs ready before the first request. */
import { Inject, Module, type DynamicModule, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, MetadataScanner } from '@nestjs/core';
import { AuthGuard } from './guard/auth.guard.js';
import { AuthHealthIndicator } from './observability/auth.health-indicator.js';
import { ConfigurableModuleClass, type ASYNC_OPTIONS_TYPE } from './auth.module-definition.js';
import { PROVIDERS } from './auth.providers.js';
import { ConfigurationError } from './errors/auth.errors.js';
import type { AuthModuleOptions, ResolvedOptions } from './options/auth-options.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';
import { readRoutePolicy } from './policy/route-policy.js';
import { RouteTable } from './route-table/route-table.js';
import { TokenValidationService } from './validation/token-validation.service.js';
import { ProviderConnection } from './issuer/provider-connection.js';
import { TokenValidator } from './validation/token-validator.js';

/**
 * Protects every route of the application. Global: import it once, in the root module.
 *
 * Reads what the code leaves out from the environment (see {@link AuthModuleOptions}).
 *
 * @throws {ConfigurationError} at start-up, with every mistake in options, variables and decorators
 * @throws {ProviderUnavailableError} at start-up, with `warmUp: 'required'` and a provider that does not answer
 */
@Module({ imports: [DiscoveryModule] })
export class AuthModule extends ConfigurableModuleClass implements OnModuleInit, OnModuleDestroy {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(TokenValidator) private readonly tokens: TokenValidator,
    @Inject(ProviderConnection) private readonly provider: ProviderConnection,
    @Inject(AuthGuard) private readonly guard: unknown,
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

  /**
   * Compiles the policy of every route before the first request, so that contradictions stop the start; then has the
   * provider's keys fetched.
   */
  async onModuleInit(): Promise<void> {
    const problems = this.discovery.getControllers().flatMap(({ metatype }) => this.#problemsOf(metatype));
    if (problems.length > 0) {
      throw new ConfigurationError(['AuthModule: decorators that cannot hold', ...problems].join('\n  '));
    }
    // A test has put something in the guard's place: nobody will ask for keys.
    if (!(this.guard instanceof AuthGuard)) return;
    if (this.options.warmUp === 'required') await this.provider.warmUp();
    // Nobody waits for it: a failure is logged, and tried again.
    if (this.options.warmUp === 'background') this.provider.warmUp().catch(() => undefined);
  }

  onModuleDestroy(): void {
    this.provider.close();
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

function provide(definition: DynamicModule): DynamicModule {
  return {
    ...definition,
    global: true,
    providers: [...(definition.providers ?? []), ...PROVIDERS],
    exports: [TokenValidationService, AuthHealthIndicator, RouteTable, AuthGuard],
  };
}
