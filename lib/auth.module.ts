/** The module: registers the guard for every route, and has what it needs ready before the first request. */
import {
  Inject,
  Logger,
  Module,
  type DynamicModule,
  type NestModule,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, ModulesContainer } from '@nestjs/core';
import { AuthGuard } from './guard/auth.guard.js';
import { DPoPProofVerifier } from './binding/dpop-proof.js';
import { checkResolvers } from './guard/graphql/check-resolvers.js';
import { vulnerableDrivers } from './guard/graphql/driver-versions.js';
import { findGraphQLOptions } from './guard/graphql/resolvers.js';
import { interceptSubscriptions } from './guard/graphql/subscription.interceptor.js';
import { OpenStreams } from './guard/streams/open-streams.js';
import { AuthHealthIndicator } from './observability/auth.health-indicator.js';
import { ConfigurableModuleClass, type ASYNC_OPTIONS_TYPE } from './auth.module-definition.js';
import { PROVIDERS } from './auth.providers.js';
import { ConfigurationError } from './errors/auth.errors.js';
import type { AuthModuleOptions, ResolvedOptions } from './options/auth-options.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';
import { checkHandlers } from './policy/check-handlers.js';
import { registerHandlers } from './policy/handlers.js';
import { guardedClasses, type GuardedClass } from './route-table/guarded-classes.js';
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
export class AuthModule extends ConfigurableModuleClass implements NestModule, OnModuleInit, OnModuleDestroy {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
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
   * Not for middleware: here every instance is there, and no route is registered yet, so that tracing libraries, which wrap
   * handlers then, copy what is written on them.
   */
  configure(): void {
    for (const { controller, instance } of guardedClasses(this.discovery))
      registerHandlers(controller, instance);
    interceptSubscriptions(this.modules);
  }

  /**
   * Compiles the policy of every route before the first request, so that contradictions stop the start; then has the
   * provider's keys fetched.
   */
  async onModuleInit(): Promise<void> {
    const problems = [
      ...new Set(guardedClasses(this.discovery).flatMap((each) => this.#problemsOf(each))),
      ...checkResolvers(this.modules),
    ];
    if (problems.length > 0) {
      throw new ConfigurationError(['AuthModule: decorators that cannot hold', ...problems].join('\n  '));
    }
    warnOfDrivers(this.modules);
    // A test has put something in the guard's place: nobody will ask for keys.
    if (!(this.guard instanceof AuthGuard)) return;
    if (this.options.warmUp === 'required') await this.provider.warmUp();
    // Nobody waits for it: a failure is logged, and tried again.
    if (this.options.warmUp === 'background') this.provider.warmUp().catch(() => undefined);
  }

  onModuleDestroy(): void {
    this.provider.close();
  }

  #problemsOf({ controller, instance }: GuardedClass): string[] {
    const { policies, problems } = checkHandlers(controller, instance);
    const unmet = policies.flatMap(({ place, policy: { introspectMaxAge, dpopBound } }) => [
      ...(introspectMaxAge !== undefined && !this.tokens.canIntrospect
        ? [`${place}: @Introspect() needs introspection: configure clientId and clientSecret`]
        : []),
      ...(dpopBound && this.options.dpop.mode === 'off'
        ? [`${place}: @DPoPBound(), but dpop.mode is off`]
        : []),
    ]);
    return [...problems, ...unmet];
  }
}

/** An application without GraphQL reads nothing from disk. */
function warnOfDrivers(modules: ModulesContainer): void {
  if (findGraphQLOptions(modules).length === 0) return;
  for (const warning of vulnerableDrivers()) new Logger(AuthModule.name).warn(warning);
}

function provide(definition: DynamicModule): DynamicModule {
  return {
    ...definition,
    global: true,
    providers: [...(definition.providers ?? []), ...PROVIDERS],
    exports: [
      TokenValidationService,
      AuthHealthIndicator,
      RouteTable,
      AuthGuard,
      // Nest makes an instance of the guard for each module that has a class under `@UseGuards(AuthGuard)`.
      RESOLVED_OPTIONS,
      TokenValidator,
      DPoPProofVerifier,
      OpenStreams,
    ],
  };
}
