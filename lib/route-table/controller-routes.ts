/** Lists the routes of the controllers, with their requirements. */
import { Inject, Injectable, RequestMethod, VERSION_NEUTRAL, VersioningType } from '@nestjs/common';
import { ApplicationConfig, MetadataScanner, ModulesContainer } from '@nestjs/core';
import { RoutePathFactory } from '@nestjs/core/router/route-path-factory.js';
import type { Requirement } from '../access/requirement.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { classOf, GuardCoverage } from '../guard/guard-coverage.js';
import { describePolicy, type DescribedPolicy } from './describe-policy.js';
import type { RouteEntry } from './route-entry.js';
import { isResolved, readRoutePolicy } from '../policy/route-policy.js';

/** A route as Nest registers it. */
export interface ControllerRoute extends RouteEntry {
  readonly metatype: object;
  /** {@link RouteEntry.path} without the global prefix. */
  readonly pathInPrefix: string;
  /** The version of the route is selected by another part of the request than its path. */
  readonly versionedByHeader: boolean;
  readonly requirements: readonly Requirement[];
  /** `@UseGuards()` applies to the declared method, but Nest may call another function, without the guard. */
  readonly hasLostGuard: boolean;
  /** Every scope that may help to satisfy the requirements, including alternatives. */
  readonly mentionedScopes: readonly string[];
}

/** Metadata keys of Nest's decorators, the same in 11 and 12. Each version exports them from a different place. */
const PATH = 'path';
const METHOD = 'method';
const HOST = 'host';
const VERSION = '__version__';
const MODULE_PATH = '__module_path__';

type Version = string | typeof VERSION_NEUTRAL | undefined;
type Method = ((...args: never[]) => unknown) & { readonly name: string };

interface Controller {
  readonly metatype: Method;
  readonly instance: unknown;
  /** All requests share one instance. */
  readonly isStatic: boolean;
  readonly modulePath: string | undefined;
}

/** The routes are known as soon as the modules are, if prefix and versioning are set by then. Nest itself builds the paths. */
@Injectable()
export class ControllerRoutes {
  readonly #scanner = new MetadataScanner();
  readonly #paths: RoutePathFactory;

  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(GuardCoverage) private readonly guards: GuardCoverage,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    this.#paths = new RoutePathFactory(config);
  }

  /** @throws {ConfigurationError} if decorators contradict one another */
  read(): readonly ControllerRoute[] {
    return [...this.modules.values()].flatMap((module) => {
      const modulePath = this.#modulePathOf(module.metatype);
      return [...module.controllers.values()].flatMap((wrapper) => {
        const { metatype, instance } = wrapper;
        if (typeof metatype !== 'function') return [];
        const isStatic = wrapper.isDependencyTreeStatic();
        return this.#routesOf({ metatype: metatype as Method, instance, isStatic, modulePath });
      });
    });
  }

  /** Returns the path of a module, which `RouterModule` stores under a key with the ID of the application. */
  #modulePathOf(module: object): string | undefined {
    const own: unknown = Reflect.getMetadata(MODULE_PATH + this.modules.applicationId, module);
    return (own ?? Reflect.getMetadata(MODULE_PATH, module)) as string | undefined;
  }

  #routesOf(controller: Controller): ControllerRoute[] {
    const prototype = controller.metatype.prototype as Record<string, Method>;
    return this.#scanner.getAllMethodNames(prototype).flatMap((name) => {
      const declared = prototype[name];
      if (!declared || Reflect.getMetadata(PATH, declared) === undefined) return [];
      const handler = handlerOf(controller, name, declared);
      return this.#versionsOf(controller.metatype, declared).flatMap((version) =>
        this.#routesOfVersion(controller, declared, name, handler, version),
      );
    });
  }

  #routesOfVersion(
    controller: Controller,
    declared: Method,
    name: string,
    handler: Method,
    version: Version,
  ): ControllerRoute[] {
    const { metatype, modulePath } = controller;
    const versioning = this.config.getVersioning();
    const requestMethod = Reflect.getMetadata(METHOD, declared) as RequestMethod;
    const globalPrefix = leadingSlash(this.config.getGlobalPrefix());
    const pathsOf = (ctrlPath: string, methodPath: string): string[] =>
      this.#paths.create(
        {
          ctrlPath: leadingSlash(ctrlPath),
          methodPath: leadingSlash(methodPath),
          ...(modulePath !== undefined && { modulePath }),
          globalPrefix,
          ...(version !== undefined && { methodVersion: version }),
          ...(version !== undefined && versioning && { versioningOptions: versioning }),
        },
        requestMethod,
      );
    const paths = listOf(Reflect.getMetadata(PATH, metatype) as string | string[]).flatMap((ctrlPath) =>
      listOf(Reflect.getMetadata(PATH, declared) as string | string[]).flatMap((methodPath) =>
        pathsOf(ctrlPath, methodPath),
      ),
    );
    const hosts = listOf(
      Reflect.getMetadata(HOST, metatype) as string | RegExp | (string | RegExp)[] | undefined,
    );
    return paths.map((path) => ({
      kind: 'http',
      method: RequestMethod[requestMethod],
      path,
      pathInPrefix: withoutPrefix(path, globalPrefix),
      version: version === VERSION_NEUTRAL ? 'neutral' : version,
      versionedByHeader:
        versioning?.type !== VersioningType.URI && version !== undefined && version !== VERSION_NEUTRAL,
      host: hosts[0] === undefined ? undefined : hosts.join(', '),
      ...this.#describe(controller, declared, handler),
      handler: `${metatype.name}.${name}`,
      metatype,
    }));
  }

  /** Describes a route. If no guard runs for it, it is `unprotected`, because nothing enforces its decorators. */
  #describe(
    { metatype, instance, isStatic }: Controller,
    declared: Method,
    handler: Method,
  ): DescribedPolicy & Pick<ControllerRoute, 'hasLostGuard'> {
    const described = describePolicy(readRoutePolicy(metatype, handler), this.options);
    const isGuarded =
      this.guards.isGlobal || this.guards.isLocal(classOf(metatype, instance), handler, isStatic);
    if (isGuarded || described.access === 'public') return { ...described, hasLostGuard: false };
    const hasLostGuard = this.guards.isLocal(metatype, declared);
    return { ...described, access: 'unprotected', binding: [], hasLostGuard };
  }

  /** The version of the handler overrides that of its class, which overrides the default. */
  #versionsOf(controller: Method, handler: Method): readonly Version[] {
    const versioning = this.config.getVersioning();
    if (!versioning) return [undefined];
    const said =
      Reflect.getMetadata(VERSION, handler) ??
      Reflect.getMetadata(VERSION, controller) ??
      versioning.defaultVersion;
    return listOf(said as Version | Version[]);
  }
}

/**
 * Returns the function whose policy guards read. As in Nest, a function on the instance overrides that of the class. One that
 * was put there after the routes were registered (the spy of a test) is never called by Nest.
 */
function handlerOf({ metatype, instance }: Controller, name: string, declared: Method): Method {
  const onInstance = (instance as Record<string, unknown> | undefined)?.[name];
  return typeof onInstance === 'function' && isResolved(metatype, onInstance)
    ? (onInstance as Method)
    : declared;
}

function listOf<Item extends string | symbol | RegExp | undefined>(
  value: Item | readonly Item[],
): readonly Item[] {
  return Array.isArray(value) ? (value as readonly Item[]) : [value as Item];
}

function leadingSlash(path: string): string {
  return path === '' || path.startsWith('/') ? path : `/${path}`;
}

function withoutPrefix(path: string, prefix: string): string {
  if (prefix === '' || !`${path}/`.startsWith(`${prefix}/`)) return path;
  return leadingSlash(path.slice(prefix.length)) || '/';
}
