/** Lists the GraphQL fields for which the guard runs, with their requirements. */
import { Inject, Injectable } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import {
  findGraphQLOptions,
  findResolvers,
  includedModules,
  type GraphQLOptions,
  type Resolver,
} from '../guard/graphql/resolvers.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { readRoutePolicy } from '../policy/route-policy.js';
import { describePolicy } from './describe-policy.js';
import type { RouteEntry } from './route-entry.js';

@Injectable()
export class ResolverRoutes {
  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @throws {ConfigurationError} if decorators contradict one another */
  read(): readonly RouteEntry[] {
    const modules = findGraphQLOptions(this.modules).map((options) => ({
      included: includedModules(this.modules, options),
      guardsFields: options.fieldResolverEnhancers?.includes('guards') === true,
    }));
    // Without a GraphQL module, nothing serves resolvers.
    if (modules.length === 0) return [];
    const isGuarded = ({ module, kind }: Resolver): boolean =>
      modules.some(
        ({ included, guardsFields }) =>
          included.has(module) && (kind === 'root' || (guardsFields && kind !== 'type')),
      );
    return findResolvers(this.modules)
      .filter(isGuarded)
      .map((resolver) => this.#entryOf(resolver));
  }

  /** The paths of the GraphQL endpoints, which are not routes to audit: the guard runs for their fields. */
  get endpoints(): ReadonlySet<string> {
    return new Set(findGraphQLOptions(this.modules).map((options) => this.#endpointOf(options)));
  }

  #endpointOf({ path = '/graphql', useGlobalPrefix }: GraphQLOptions): string {
    const prefix = useGlobalPrefix === true ? this.config.getGlobalPrefix() : '';
    return `/${[prefix, path]
      .map((part) => part.replace(/^\/+|\/+$/g, ''))
      .filter(Boolean)
      .join('/')}`;
  }

  #entryOf({ metatype, property, handler, type, field, kind }: Resolver): RouteEntry {
    const {
      requirements: _requirements,
      mentionedScopes: _mentioned,
      ...described
    } = describePolicy(readRoutePolicy(metatype, handler), this.options);
    return {
      kind: 'graphql',
      method: kind === 'root' ? type.toUpperCase() : 'FIELD',
      path: kind === 'root' ? field : `${type}.${field}`,
      version: undefined,
      host: undefined,
      ...described,
      handler: `${metatype.name}.${property}`,
    };
  }
}
