/** Start-up and shutdown: checks that all decorators can be enforced, fetches the provider's keys, and closes connections. */
import {
  Inject,
  Injectable,
  Logger,
  Scope,
  type OnApplicationShutdown,
  type CanActivate,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, ModuleRef, ModulesContainer } from '@nestjs/core';
import { issuerProblems } from './guard/issuer-problems.js';
import { accessOf, type Requiring } from './access/authorize.js';
import { ConfigurationError } from './errors/auth.errors.js';
import { quoteAddress } from './errors/quote-address.js';
import { AuthGuard } from './guard/auth.guard.js';
import { GLOBAL_GUARD } from './guard/global-guard.token.js';
import { checkResolvers } from './guard/graphql/check-resolvers.js';
import { vulnerableDrivers } from './guard/graphql/driver-versions.js';
import { findGraphQLOptions, findResolvers } from './guard/graphql/resolvers.js';
import { separateContexts } from './guard/graphql/separate-contexts.js';
import { GuardCoverage } from './guard/guard-coverage.js';
import { GuardInPlace } from './guard/guard-in-place.js';
import { MessageHandlers } from './guard/message-handlers.js';
import { IssuerRegistry } from './issuer/issuer-registry.js';
import type { ResolvedOptions } from './options/auth-options.js';
import { noticesRevocation } from './options/profile.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';
import { KnownRevocations } from './revocation/known-revocations.js';
import { SecurityEventTokens } from './revocation/security-event-token.js';
import { checkHandlers } from './policy/check-handlers.js';
import { ControllerRoutes } from './route-table/controller-routes.js';
import { guardedClasses, type GuardedClass } from './route-table/guarded-classes.js';
import { idleDecorators } from './policy/idle-decorators.js';
import { unmetParameters } from './route-table/unmet-parameters.js';
import { TokenValidator } from './validation/token-validator.js';

/**
 * Injects nothing that depends on the options: if these are request-scoped, their dependents are too, and Nest calls no
 * lifecycle hooks of request-scoped providers.
 */
@Injectable()
export class AuthLifecycle implements OnModuleInit, OnApplicationShutdown {
  #issuers: IssuerRegistry | undefined;

  constructor(
    @Inject(ModuleRef) private readonly self: ModuleRef,
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(GLOBAL_GUARD) private readonly globalGuard: unknown,
  ) {}

  /**
   * Compiles the policy of every route before the first request, so that contradictions stop the start; then loads the
   * revocations and warms up the issuers.
   */
  async onModuleInit(): Promise<void> {
    this.#requireGuard();
    const options = this.self.get<ResolvedOptions>(RESOLVED_OPTIONS);
    const classes = guardedClasses(this.discovery);
    const problems = [
      ...new Set(classes.flatMap((each) => this.#problemsOf(each, options))),
      ...checkResolvers(this.modules),
      ...separateContexts(this.modules),
      ...this.#unguarded(),
    ];
    refuse(problems);
    const routes = this.self.get(ControllerRoutes).read();
    const messages = this.self.get(MessageHandlers).read();
    refuse(unmetParameters(routes, messages));
    const handlers = new Map<object, Set<string>>();
    const add = (metatype: object, name: string): void =>
      void handlers.set(metatype, (handlers.get(metatype) ?? new Set()).add(name));
    for (const { metatype, handler = '' } of routes) add(metatype, handler.slice(handler.indexOf('.') + 1));
    for (const { metatype, property } of [...messages, ...findResolvers(this.modules)])
      add(metatype, property);
    const isHandler = (controller: object, property: string | symbol): boolean =>
      typeof property === 'string' && handlers.get(controller)?.has(property) === true;
    reportIdle(idleDecorators(classes, isHandler), options);
    warnOfDrivers(this.modules);
    warnOfProfile(options);
    warnOfResource(options);
    const issuers = this.self.get(IssuerRegistry);
    this.#issuers = issuers;
    const guard = this.self.get<CanActivate>(AuthGuard);
    if (!(guard instanceof AuthGuard)) {
      // A test has overridden the guard, so no keys are needed.
      this.self.get(GuardInPlace).guard = guard;
      return;
    }
    // Loads what was revoked before this instance started.
    await this.self.get(KnownRevocations).start();
    await issuers.warmUp();
  }

  /** Not in an earlier hook: the server drains until then, and requests that it has accepted may need the provider. */
  async onApplicationShutdown(): Promise<void> {
    await this.#issuers?.close();
    await this.self.get(KnownRevocations).stop();
    await this.self.get<SecurityEventTokens | null>(SecurityEventTokens)?.close();
  }

  #requireGuard(): void {
    if (typeof this.globalGuard !== 'boolean') {
      throw new ConfigurationError('AuthModule: globalGuard is neither true nor false');
    }
    const tokens: readonly (symbol | Type)[] = [RESOLVED_OPTIONS, TokenValidator, AuthGuard] as never;
    const perRequest = tokens.some((token) => this.self.introspect(token).scope === Scope.REQUEST);
    if (perRequest) {
      throw new ConfigurationError(
        'AuthModule: a provider that forRootAsync() injects, or a dependency of it, is request-scoped or durable; ' +
          'Nest would not run the guard for every route. Inject singletons only',
      );
    }
    if (!this.globalGuard || !(this.self.get<unknown>(AuthGuard) instanceof AuthGuard)) return;
    if (!this.config.getGlobalGuards().some((guard) => guard instanceof AuthGuard)) {
      throw new ConfigurationError(
        'AuthModule: Nest has not registered AuthGuard; no route would be guarded',
      );
    }
  }

  /** Finds handlers whose decorators are not enforced: without a global guard, those without `@UseGuards(AuthGuard)`. */
  #unguarded(): string[] {
    if (this.self.get(GuardCoverage).isGlobal) return [];
    const routes = this.self
      .get(ControllerRoutes)
      .read()
      .filter(({ access }) => access === 'unprotected')
      .map(({ handler = '', hasLostGuard, ...asked }) => ({ name: handler, asked, hasLostGuard }));
    const messages = this.self
      .get(MessageHandlers)
      .read()
      .filter(({ policy, isGuardedLocally }) => policy.access !== 'public' && !isGuardedLocally)
      .map(({ name, policy, hasLostGuard }) => ({ name, asked: policy, hasLostGuard }));
    const open = [...routes, ...messages].filter(
      ({ asked, hasLostGuard }) => hasLostGuard || asked.declared || asked.introspectMaxAge !== undefined,
    );
    return [...new Set(open.map(({ name }) => name))].map(
      (name) =>
        `${name}: its decorators require AuthGuard, which does not run here; add @UseGuards(AuthGuard), or remove globalGuard`,
    );
  }

  /** `false` if a test has overridden the guard. */
  get #validatesTokens(): boolean {
    return this.self.get<unknown>(AuthGuard) instanceof AuthGuard;
  }

  #problemsOf({ controller, instance }: GuardedClass, options: ResolvedOptions): string[] {
    const { policies, problems } = checkHandlers(controller, instance);
    return [
      ...problems,
      ...policies.flatMap(({ place, policy }) => [
        ...contradictionsOf(place, policy),
        ...issuerProblems(policy, options, this.#validatesTokens).map((problem) => `${place}: ${problem}`),
        ...(policy.dpopBound && options.dpop.mode === 'off'
          ? [`${place}: @DPoPBound(), but dpop.mode is off`]
          : []),
      ]),
    ];
  }
}

/** @throws {ConfigurationError} if there are problems */
function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new ConfigurationError(['AuthModule: decorators that cannot be enforced', ...problems].join('\n  '));
}

/** Reports decorators that suggest protection without effect. @throws {ConfigurationError} with `audit: 'error'` */
function reportIdle(idle: readonly string[], { audit }: ResolvedOptions): void {
  if (idle.length === 0) return;
  const message = [
    'AuthModule: decorators without effect, because these are not handlers of a route, a field or a message',
    ...idle,
  ].join('\n  ');
  if (audit === 'error') throw new ConfigurationError(message);
  new Logger('AuthModule').warn(message);
}

/** Finds requirements of class and handler that no token can meet together. */
function contradictionsOf(place: string, policy: Requiring): readonly string[] {
  try {
    accessOf(policy);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return [`${place}: ${error.message}`];
    throw error;
  }
}

/** Reads nothing from disk if the application does not use GraphQL. */
function warnOfDrivers(modules: ModulesContainer): void {
  if (findGraphQLOptions(modules).length === 0) return;
  for (const warning of vulnerableDrivers()) new Logger('AuthModule').warn(warning);
}

/** Warns if clients that follow the metadata would request tokens that this API rejects. RFC 8707 section 2. */
function warnOfResource({ resourceMetadata, audience }: ResolvedOptions): void {
  const audiences = [audience].flat();
  if (!resourceMetadata || audiences.length === 0 || audiences.includes(resourceMetadata.resource)) return;
  new Logger('AuthModule').warn(
    `resourceMetadata: clients request tokens for ${quoteAddress(resourceMetadata.resource)}, which audience does not contain`,
  );
}

function warnOfProfile(options: ResolvedOptions): void {
  const { profile, issuers } = options;
  const introspectJwtTokens =
    issuers.length === 0 ? options.introspectJwtTokens : issuers.every((each) => each.introspectJwtTokens);
  if (profile !== 'fapi2' || noticesRevocation({ ...options, introspectJwtTokens })) return;
  new Logger('AuthModule').warn(
    'profile fapi2: a revoked token is accepted until it expires; set introspectJwtTokens, backChannelLogout or securityEvents',
  );
}
