/** Lists the routes of the application with their requirements, and audits them at start-up. */
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ControllerRoutes, type ControllerRoute } from './controller-routes.js';
import { MessageRoutes } from './message-routes.js';
import { GatewayRoutes } from './gateway-routes.js';
import { ResolverRoutes } from './resolver-routes.js';
import { ConfigurationError } from '../errors/auth.errors.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { metadataUrlOf, resourcesOf } from '../options/resource.js';
import { routesWithoutAudience, undeclaredRoutes } from './audit.js';
import { watchExpress } from './express-routes.js';
import { watchFastify, type FastifyLike } from './fastify-routes.js';
import { whenAdapterIsSet } from './http-adapter.js';
import { printMarkdown, printText } from './print-routes.js';
import {
  receiverEntry,
  sortEntries,
  unprotectedEntry,
  type RawRoute,
  type RouteEntry,
} from './route-entry.js';

/** Returns the routes of the adapter that are not among those of the controllers. */
type ReadRawRoutes = (ours: ReadonlySet<string>) => readonly RawRoute[];

/**
 * Lists every HTTP route, guarded GraphQL field, message of a gateway and message handler of a microservice with its
 * requirements. Injectable. The order is stable, so that a test that compares {@link RouteTable.toMarkdown} with a file shows
 * every change.
 *
 * Routes that are registered on Express or Fastify directly are listed as `unprotected`, because no guard runs for them. Not
 * listed: middleware that answers requests, fields of GraphQL types for which Nest runs no guard, the route of the module's own
 * resource metadata, and, on other adapters than Express and Fastify, unprotected routes. The module's receivers of logout
 * tokens and security events are listed as `public`, because they read no access token.
 *
 * @example
 * ```ts
 * await app.init();
 * console.log(app.get(RouteTable).toText());
 * ```
 */
@Injectable()
export class RouteTable implements OnModuleInit, OnApplicationBootstrap {
  readonly #log = new Logger('AuthModule');
  #readRawRoutes: ReadRawRoutes = () => [];
  #known = false;
  /** The paths of the resource metadata and the receivers. By design, no guard runs for them. */
  readonly #ownPaths = new Set<string>();
  readonly #receivers: readonly RouteEntry[];

  constructor(
    @Inject(ControllerRoutes) private readonly controllers: ControllerRoutes,
    @Inject(ResolverRoutes) private readonly resolvers: ResolverRoutes,
    @Inject(MessageRoutes) private readonly messages: MessageRoutes,
    @Inject(GatewayRoutes) private readonly gateways: GatewayRoutes,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    for (const each of resourcesOf(options)) this.#ownPaths.add(new URL(metadataUrlOf(each)).pathname);
    this.#receivers = receiversOf(options);
    for (const { path } of this.#receivers) this.#ownPaths.add(path);
    whenAdapterIsSet(host, () => (this.#readRawRoutes = watch(host)));
  }

  /** By then Nest has registered the routes of every controller. */
  onModuleInit(): void {
    this.#known = true;
  }

  /** @throws {ConfigurationError} with `audit: 'error'`, naming every route that declares nothing */
  async onApplicationBootstrap(): Promise<void> {
    const { audit } = this.options;
    if (audit === 'off') return;
    await pluginsLoaded(this.host);
    const open = this.#withoutAudience();
    if (open.length > 0)
      this.#log.warn(
        [
          `AuthModule: ${open.length} ${open.length === 1 ? 'route names' : 'routes name'} no @Audience(): a token for any of the audiences is accepted`,
          ...open,
        ].join('\n  '),
      );
    const found = this.undeclared();
    if (found.length === 0) return;
    const message = [
      `AuthModule: ${found.length} ${found.length === 1 ? 'route declares' : 'routes declare'} nothing (audit)`,
      ...found,
    ].join('\n  ');
    if (audit === 'error') throw new ConfigurationError(message);
    this.#log.warn(message);
  }

  /**
   * All routes, sorted by kind, path, method and version. On Fastify, the routes of a plugin are listed after it has been loaded,
   * at the latest when the application listens.
   *
   * @throws {Error} before `app.init()` or `app.listen()`, when the routes are not known yet
   */
  list(): readonly RouteEntry[] {
    if (!this.#known) {
      throw new Error('RouteTable: the routes are known after app.init() or app.listen(), not before');
    }
    const ours = this.controllers.read();
    const { endpoints } = this.resolvers;
    const raw = this.#readRawRoutes(new Set(ours.flatMap(keysOf))).filter(
      ({ path }) => !this.#ownPaths.has(path) && !endpoints.has(path),
    );
    const entries = ours.map(
      ({
        metatype: _metatype,
        pathInPrefix: _path,
        versionedByHeader: _versioned,
        requirements: _requirements,
        mentionedScopes: _mentioned,
        hasLostGuard: _lost,
        ...entry
      }) => entry,
    );
    return sortEntries([
      ...entries,
      ...this.#receivers,
      ...this.resolvers.read(),
      ...this.messages.read(),
      ...this.gateways.read(),
      ...raw.map(unprotectedEntry),
    ]);
  }

  /**
   * One line for each route that declares nothing and that `auditIgnore` does not name: the routes that the option `audit` reports.
   *
   * @throws {Error} before `app.init()`
   */
  undeclared(): readonly string[] {
    return undeclaredRoutes(this.list(), this.options.auditIgnore);
  }

  /** If one application serves several APIs, a token for one of them should not be accepted by another. */
  #withoutAudience(): readonly string[] {
    if ([this.options.audience].flat().length < 2) return [];
    return routesWithoutAudience(this.list(), this.options.auditIgnore);
  }

  /** The table with aligned columns, for a terminal. @throws {Error} before `app.init()` */
  toText(): string {
    return printText(this.list());
  }

  /** The table in Markdown, for a README or a snapshot. @throws {Error} before `app.init()` */
  toMarkdown(): string {
    return printMarkdown(this.list());
  }

  /**
   * The result of {@link RouteTable.list}, so that `JSON.stringify(table)` works. @throws {Error} before `app.init()`
   */
  toJSON(): readonly RouteEntry[] {
    return this.list();
  }
}

function receiversOf({ backChannelLogout, securityEvents }: ResolvedOptions): readonly RouteEntry[] {
  return [
    ...(backChannelLogout ? [receiverEntry(backChannelLogout.path, 'BackChannelLogout')] : []),
    ...(securityEvents ? [receiverEntry(securityEvents.path, 'SecurityEvents')] : []),
  ];
}

function watch({ httpAdapter }: HttpAdapterHost): ReadRawRoutes {
  const type: unknown = httpAdapter?.getType?.();
  if (type === 'express') return watchExpress(httpAdapter);
  if (type !== 'fastify') return () => [];
  const read = watchFastify(httpAdapter.getInstance<FastifyLike>());
  // On Fastify, Nest wraps handlers without their metadata, so routes are identified by method, path and version.
  return (ours) => read().filter(({ method, path, versioned }) => !ours.has(keyOf(method, path, versioned)));
}

/** Returns the keys that the route of a controller may have in Fastify. */
function keysOf({ method, path, version, versionedByHeader }: ControllerRoute): string[] {
  // Nest passes a neutral version as none or in a list, and Nest 11 passes none with @All().
  const versioned = version === 'neutral' || method === 'ALL' ? [true, false] : [versionedByHeader];
  return versioned.map((each) => keyOf(method, path, each));
}

function keyOf(method: string, path: string, versionedByHeader: boolean): string {
  return `${method} ${path} ${versionedByHeader}`;
}

/** Waits for the plugins of Fastify, which loads them one after the other when a caller awaits them. */
async function pluginsLoaded({ httpAdapter }: HttpAdapterHost): Promise<void> {
  if (httpAdapter?.getType?.() !== 'fastify') return;
  await httpAdapter.getInstance<{ after(): Promise<unknown> }>().after();
}
