/** Where can a client read what it needs to get a token? RFC 9728 section 3. */
import 'reflect-metadata';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { describeResource } from './protected-resource.js';
import { ControllerRoutes } from '../route-table/controller-routes.js';
import { whenAdapterIsSet } from '../route-table/http-adapter.js';
import { ResolverRoutes } from '../route-table/resolver-routes.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { IssuerRegistry } from '../issuer/issuer-registry.js';

/** What is used of it; Express and Fastify both have it. */
interface Reply {
  status(code: number): Reply;
  header(name: string, value: string): Reply;
  send(body: string): unknown;
}

/** Clients in a browser read it without credentials, from any page; what they send along is of no interest. */
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
 * Serves the metadata document on the adapter itself: its address begins at the root of the host, whatever prefix and
 * versions the controllers have, and nobody has a token yet who reads it.
 */
@Injectable()
export class ResourceMetadata {
  #document: { readonly issuer: string; readonly text: string } | undefined;

  constructor(
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Inject(ControllerRoutes) private readonly controllers: ControllerRoutes,
    @Inject(ResolverRoutes) private readonly resolvers: ResolverRoutes,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(IssuerRegistry) private readonly issuers: IssuerRegistry,
  ) {
    const { resourceMetadataUrl: url } = options;
    if (url === undefined) return;
    // As soon as there is an adapter: before the routes of controllers, one of which may answer to everything.
    whenAdapterIsSet(host, () => this.#serve(host, new URL(url).pathname));
  }

  #serve({ httpAdapter }: HttpAdapterHost, path: string): void {
    const type: unknown = httpAdapter?.getType?.();
    if (type !== 'express' && type !== 'fastify') return;
    // HEAD comes with GET.
    httpAdapter.get(
      path,
      answer(200, DOCUMENT, () => this.#read()),
    );
    httpAdapter.options(
      path,
      answer(204, PREFLIGHT, () => ''),
    );
  }

  #read(): string {
    const [issuer = this.options.issuer] = this.issuers.known.map(({ identifier }) => identifier);
    if (this.#document?.issuer !== issuer) this.#document = { issuer, text: this.#write(issuer) };
    return this.#document.text;
  }

  /** With the first request: by then all routes are known. */
  #write(issuer: string): string {
    const { resourceMetadata, ...terms } = this.options;
    if (!resourceMetadata) return '{}';
    const fields = this.resolvers.read().map((field) => ({ ...field, mentionedScopes: field.scopes }));
    const routes = [...this.controllers.read(), ...fields];
    return JSON.stringify(describeResource(resourceMetadata, { ...terms, issuer }, routes));
  }
}

function answer(status: number, headers: Readonly<Record<string, string>>, body: () => string) {
  const handler = (_request: unknown, reply: Reply): void => {
    for (const [name, value] of Object.entries(headers)) reply.header(name, value);
    reply.status(status).send(body());
  };
  Reflect.defineMetadata(FASTIFY_ROUTE_CONFIG, { cors: false }, handler);
  return handler;
}
