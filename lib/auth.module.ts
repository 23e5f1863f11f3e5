/** The module: registers the guard for every route. */
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
 * Protects every route of the application. Global: import it once, in the root module. `globalGuard: false` leaves the guard
 * to `@UseGuards(AuthGuard)`.
 *
 * Reads what the code leaves out from the environment (see {@link AuthModuleOptions}).
 *
 * @throws {ConfigurationError} at start-up, with every mistake in options, variables and decorators; where it is imported
 *   more than once, lazily or without options; and where what `forRootAsync()` injects is request-scoped, so that Nest would
 *   not run the guard
 * @throws {ProviderUnavailableError} at start-up, with `warmUp: 'required'` and a provider that does not answer
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

  static override forRoot({ globalGuard, ...options }: AuthModuleOptions & GuardOptions = {}): DynamicModule {
    return provide(super.forRoot(options), globalGuard);
  }

  static override forRootAsync({
    globalGuard,
    ...options
  }: typeof ASYNC_OPTIONS_TYPE & GuardOptions): DynamicModule {
    return provide(super.forRootAsync(options), globalGuard);
  }

  /**
   * Not for middleware: here every instance is there, and no route is registered yet, so that tracing libraries, which wrap
   * handlers then, copy what is written on them.
   */
  configure(): void {
    for (const { controller, instance } of guardedClasses(this.discovery))
      registerHandlers(controller, instance);
    interceptSubscriptions(this.modules);
    separateContexts(this.modules);
  }
}

/** Only `false` leaves the guard out; what is neither `true` nor `false` stops the start. */
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

/** Not useClass: only a provider under its own token can be overridden in tests. */
const REGISTRATION: Provider = { provide: APP_GUARD, useExisting: AuthGuard };
