/** Adds the requirements of the decorators to an OpenAPI document, version 3.0 to 3.2. */
import type { INestApplicationContext } from '@nestjs/common';
import { ControllerRoutes, type ControllerRoute } from '../route-table/controller-routes.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { responsesFor, type Response } from './openapi-responses.js';
import { alternativesFor, securitySchemes, type ResourceServerSecurityOptions } from './openapi-security.js';

/** The part of an OpenAPI document that is used. The result of `SwaggerModule.createDocument` has this type. */
export interface OpenApiDocument {
  openapi: string;
  paths: object;
  components?: object;
}

interface Operation {
  security?: Record<string, string[]>[];
  responses?: Record<string, Response | object | undefined>;
}

interface Components {
  securitySchemes?: Record<string, object>;
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'search', 'query'];

/**
 * Adds the requirements of the decorators to an OpenAPI 3 document: `security` of each operation (with scopes; `[]` for
 * `@Public()`; an additional `{}` for `@OptionalAuth()`), the security schemes in use, and the responses 401, 403 and 503.
 * Existing entries are kept: the `security` of an operation, a response, a scheme.
 *
 * Operations are matched with handlers by method and path. If a header selects the version, the document has one operation for
 * all versions, and their requirements are listed as alternatives. Operations without a handler are not changed.
 *
 * It can be called before `app.init()`, but after `setGlobalPrefix` and `enableVersioning`, like `createDocument`. It does not
 * protect the routes that serve the document.
 *
 * @param document the document, which is modified in place
 * @param app the application that the document describes
 * @returns the same document
 * @throws {ConfigurationError} if decorators contradict each other
 * @throws {TypeError} without an application, and for an `authorizationUrl` without `tokenUrl`
 *
 * @example
 * ```ts
 * const document = applyResourceServerSecurity(SwaggerModule.createDocument(app, config), app);
 * SwaggerModule.setup('docs', app, document);
 * ```
 */
export function applyResourceServerSecurity<Document extends OpenApiDocument>(
  document: Document,
  app: Pick<INestApplicationContext, 'get'>,
  options: ResourceServerSecurityOptions = {},
): Document {
  // For JavaScript: the document alone does not identify the application.
  if (!app) throw new TypeError('applyResourceServerSecurity(document, app): the application is missing');
  const routes = app
    .get(ControllerRoutes, { strict: false })
    .read()
    .filter(({ access }) => access !== 'unprotected');
  const { issuers } = app.get<ResolvedOptions>(RESOLVED_OPTIONS, { strict: false });
  const used: ControllerRoute[] = [];
  for (const [path, item] of Object.entries(document.paths as Record<string, Record<string, Operation>>)) {
    for (const method of METHODS) {
      const operation = item[method];
      const found = operation ? routesOf(routes, method.toUpperCase(), path) : [];
      if (!operation || found.length === 0) continue;
      used.push(...found);
      operation.security ??= alternativesFor(found, document.openapi, issuers, options);
      operation.responses = { ...responsesFor(found), ...operation.responses };
    }
  }
  const components = (document.components ??= {}) as Components;
  components.securitySchemes = {
    ...securitySchemes(used, document.openapi, issuers, options),
    ...components.securitySchemes,
  };
  return document;
}

/** Matches paths with and without the global prefix, because `ignoreGlobalPrefix` moves it to `servers`. */
function routesOf(
  routes: readonly ControllerRoute[],
  method: string,
  documented: string,
): readonly ControllerRoute[] {
  const shape = documented.replaceAll(/\{[^}]*\}/g, '{}');
  const ofMethod = routes.filter((route) => route.method === method || route.method === 'ALL');
  const found = ofMethod.filter(({ path }) => shapeOf(path) === shape);
  return found.length > 0 ? found : ofMethod.filter(({ pathInPrefix }) => shapeOf(pathInPrefix) === shape);
}

/** Removes the names of the parameters from a path, because Nest and OpenAPI write them differently. */
function shapeOf(path: string): string {
  return path
    .replaceAll(/[{}]/g, '')
    .replaceAll('(.*)', '*')
    .replaceAll(/\([^)]*\)/g, '')
    .replaceAll(/\*\w*|\/\+(?=\/|$)/g, (wildcard) => (wildcard.startsWith('/') ? '/{}' : '{}'))
    .replaceAll(/:\w+/g, '{}');
}
