/** Serves the protected resource metadata. RFC 9728 section 3. */
import 'reflect-metadata';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { metadataUrlOf, resourcesOf } from '../options/resource.js';
import { describeResource } from './protected-resource.js';
import { ControllerRoutes } from '../route-table/controller-routes.js';
import { whenAdapterIsSet } from '../route-table/http-adapter.js';
import { ResolverRoutes } from '../route-table/resolver-routes.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { IssuerRegistry } from '../issuer/issuer-registry.js';

/** The part of the response that is used; Express and Fastify both have it. */
interface Reply {
  status(code: number): Reply;
  header(name: string, value: string): Reply;
  send(body: string): unknown;
}

interface Request {
  readonly headers: { readonly host?: string | undefined };
}

/** Pages of every origin can read the document, without credentials and with any header. */
const OPEN_TO_ALL = { 'access-control-allow-origin': '*' };
const PREFLIGHT = {
  ...OPEN_TO_ALL,
  'access-control-allow-methods': 'GET, HEAD',
  'access-control-allow-headers': '*',
  'access-control-max-age': '86400',
};
const DOCUMENT = {
  ...OPEN_TO_ALL,
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'public, max-age=300',
};

/** Under this name, Nest's Fastify adapter looks for a route's settings; `cors: false` is one of `@fastify/cors`. */
const FASTIFY_ROUTE_CONFIG = '__fastify_route_config__';

/**
 * Serves the metadata document of each resource directly on the adapter: its path begins at the root of the host, independent of the
 * prefix and versions of the controllers, and clients read it before they have a token.
 */
@Injectable()
export class ResourceMetadata {
  readonly #documents = new Map<string, { readonly issuers: string; readonly text: string }>();

  constructor(
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Inject(ControllerRoutes) private readonly controllers: ControllerRoutes,
    @Inject(ResolverRoutes) private readonly resolvers: ResolverRoutes,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(IssuerRegistry) private readonly issuers: IssuerRegistry,
  ) {
    const resources = resourcesOf(options);
    if (resources.length === 0) return;
    // Registered before the routes of controllers, one of which may match every path.
    whenAdapterIsSet(host, () => {
      for (const path of new Set(resources.map(pathOf))) {
        this.#serve(
          host,
          path,
          resources.filter((each) => pathOf(each) === path),
        );
      }
    });
  }

  #serve({ httpAdapter }: HttpAdapterHost, path: string, resources: readonly string[]): void {
    const type: unknown = httpAdapter?.getType?.();
    if (type !== 'express' && type !== 'fastify') return;
    // Both adapters also answer HEAD for a GET route.
    httpAdapter.get(
      path,
      answer(200, DOCUMENT, (host) => this.#read(resourceAt(host, resources))),
    );
    httpAdapter.options(
      path,
      answer(204, PREFLIGHT, () => ''),
    );
  }

  #read(resource: string): string {
    const issuers = this.#issuersFor(resource);
    const version = issuers.join(' ');
    let document = this.#documents.get(resource);
    if (document?.issuers !== version) {
      document = { issuers: version, text: this.#write(resource, issuers) };
      this.#documents.set(resource, document);
    }
    return document.text;
  }

  /** Returns the issuers whose tokens are for this resource. Tenants that a function returns are not published. */
  #issuersFor(resource: string): readonly string[] {
    if (this.issuers.isOpen) return [];
    const { issuers: configured, audience } = this.options;
    const isAudience = [audience].flat().includes(resource);
    const names = configured
      .filter((each) => !isAudience || [each.audience].flat().includes(resource))
      .map(({ name }) => name);
    return this.issuers.known.filter(({ name }) => names.includes(name)).map(({ identifier }) => identifier);
  }

  /** Created with the first request, when all routes are known. */
  #write(resource: string, issuers: readonly string[]): string {
    const { resourceMetadata, ...terms } = this.options;
    if (!resourceMetadata) return '{}';
    const fields = this.resolvers.read().map((field) => ({ ...field, mentionedScopes: field.scopes }));
    const isDefault = resource === resourceMetadata.resource;
    const isAlone = [terms.audience].flat().length < 2;
    const routes = [...this.controllers.read(), ...fields].filter(
      ({ audience }) => audience === resource || (isDefault && (audience === undefined || isAlone)),
    );
    const { authorizationServers } = resourceMetadata;
    // The metadata of one API does not apply to another.
    const own = isDefault
      ? resourceMetadata
      : { resource, ...(this.issuers.isOpen && { authorizationServers }) };
    return JSON.stringify(describeResource(own, { ...terms, issuers }, routes));
  }
}

function pathOf(resource: string): string {
  return new URL(metadataUrlOf(resource)).pathname;
}

/** Resources of several hosts can have the same path. */
function resourceAt(host: string | undefined, resources: readonly string[]): string {
  const [first = ''] = resources;
  return resources.find((each) => new URL(each).host === host) ?? first;
}

function answer(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: (host: string | undefined) => string,
) {
  const handler = (request: Request, reply: Reply): void => {
    for (const [name, value] of Object.entries(headers)) reply.header(name, value);
    reply.status(status).send(body(request.headers.host));
  };
  Reflect.defineMetadata(FASTIFY_ROUTE_CONFIG, { cors: false }, handler);
  return handler;
}
