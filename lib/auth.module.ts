/** The module, which registers the guard for every route. */
import { Inject, Module, type DynamicModule, type NestModule, type Provider } from '@nestjs/common';
import { APP_GUARD, DiscoveryModule, DiscoveryService, ModulesContainer } from '@nestjs/core';
import {
  ConfigurableModuleClass,
  type ASYNC_OPTIONS_TYPE,
  type GuardOptions,
} from './auth.module-definition.js';
import { EXPORTS, PROVIDERS } from './auth.providers.js';
import { AuthGuard } from './guard/auth.guard.js';
import { separateContexts } from './guard/graphql/separate-contexts.js';
import { interceptSubscriptions } from './guard/graphql/subscription.interceptor.js';
import { GLOBAL_GUARD } from './guard/global-guard.token.js';
import { refuseMisplacedImports } from './guard/module-imports.js';
import type { AuthModuleOptions } from './options/auth-options.js';
import { registerHandlers } from './policy/handlers.js';
import { guardedClasses } from './route-table/guarded-classes.js';

/**
 * Registers {@link AuthGuard} for every route of the application, and provides the services of this package. The module is
 * global: import it once, in the root module. With `globalGuard: false`, only classes and handlers under
 * `@UseGuards(AuthGuard)` are guarded.
 *
 * Options that are not set in code are read from the environment (see {@link AuthModuleOptions}). By default, the issuer's
 * metadata and keys are fetched in the background while the application starts (option `warmUp`).
 *
 * Does not check routes that are registered on Express or Fastify directly, middleware, and the other cases in SECURITY.md.
 *
 * @throws {ConfigurationError} at start-up: lists every mistake in options, variables and decorators. Also if the module is
 *   imported more than once, lazily or without options, or if a provider that `forRootAsync()` injects is request-scoped, so
 *   that Nest would not run the guard
 * @throws {ProviderUnavailableError} at start-up, with `warmUp: 'required'`, if the provider is unavailable
 *
 * @example
 * ```ts
 * @Module({ imports: [ConfigModule.forRoot({ isGlobal: true }), AuthModule.forRoot()] })
 * export class AppModule {}
 * ```
 */
@Module({ imports: [DiscoveryModule] })
export class AuthModule extends ConfigurableModuleClass implements NestModule {
  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
  ) {
    super();
    refuseMisplacedImports(modules);
  }

  /**
   * Configures the module with the given options; options that are left out are read from the environment.
   *
   * @example
   * ```ts
   * AuthModule.forRoot({ issuer: 'https://auth.example.com', audience: 'https://api.example.com' });
   * ```
   */
  static override forRoot({ globalGuard, ...options }: AuthModuleOptions & GuardOptions = {}): DynamicModule {
    return provide(super.forRoot(options), globalGuard);
  }

  /**
   * Configures the module with options from `useFactory`, or from an {@link AuthOptionsFactory} (`useClass`, `useExisting`).
   * Injected providers must be singletons. `globalGuard` is set next to `useFactory`, not in its result.
   *
   * @example
   * ```ts
   * AuthModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ audience: config.getOrThrow<string>('API_AUDIENCE') }),
   * });
   * ```
   */
  static override forRootAsync({
    globalGuard,
    ...options
  }: typeof ASYNC_OPTIONS_TYPE & GuardOptions): DynamicModule {
    return provide(super.forRootAsync(options), globalGuard);
  }

  /**
   * Marks the handlers; configures no middleware. Nest calls this method when all instances exist and no route is registered
   * yet. Tracing libraries wrap handlers when Nest registers the routes, and copy their metadata.
   */
  configure(): void {
    for (const { controller, instance } of guardedClasses(this.discovery))
      registerHandlers(controller, instance);
    interceptSubscriptions(this.modules);
    separateContexts(this.modules);
  }
}

/** Omits the guard only for `false`. A `globalGuard` that is not a boolean stops the start. */
function provide(definition: DynamicModule, globalGuard: boolean = true): DynamicModule {
  return {
    ...definition,
    global: true,
    providers: [
      ...(definition.providers ?? []),
      ...PROVIDERS,
      { provide: GLOBAL_GUARD, useValue: globalGuard },
      ...(globalGuard === false ? [] : [REGISTRATION]),
    ],
    exports: EXPORTS,
  };
}

/** `useExisting`, not `useClass`: only a provider under its own token can be overridden in tests. */
const REGISTRATION: Provider = { provide: APP_GUARD, useExisting: AuthGuard };
