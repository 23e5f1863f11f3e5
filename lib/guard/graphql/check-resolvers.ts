/** Finds the GraphQL fields for which Nest runs no guard, to report them at start-up. */
import type { ModulesContainer } from '@nestjs/core';
import { readRoutePolicy } from '../../policy/route-policy.js';
import { classLevels, methodLevels } from '../../policy/levels.js';
import {
  findGraphQLOptions,
  findResolvers,
  includedModules,
  type GraphQLOptions,
  type Resolver,
} from './resolvers.js';

const SETTING = "set fieldResolverEnhancers: ['guards'] in the options of GraphQLModule";

/** Returns one sentence for each unprotected field, with the setting that protects it. */
export function checkResolvers(modules: ModulesContainer): readonly string[] {
  const graphql = findGraphQLOptions(modules);
  // Without a GraphQL module, nothing serves resolvers.
  if (graphql.length === 0) return [];
  const resolvers = findResolvers(modules);
  const problems = graphql.flatMap((options) => {
    const included = includedModules(modules, options);
    return resolvers
      .filter(({ module }) => included.has(module))
      .flatMap((each) => checkResolver(each, options));
  });
  return [...new Set(problems)];
}

/** Nest runs guards for queries, mutations and subscriptions, for other fields only if configured, never for `__resolveType`. */
function checkResolver(resolver: Resolver, { fieldResolverEnhancers = [] }: GraphQLOptions): string[] {
  const { metatype, property, handler, kind } = resolver;
  const place = `${metatype.name}.${property}`;
  if (kind === 'root' || (fieldResolverEnhancers.includes('guards') && kind !== 'type')) return [];
  if (kind === 'type') {
    const declared = methodLevels(metatype, property).some(({ declarations }) => declarations.length > 0);
    return declared ? [`${place}: Nest runs no guard for __resolveType; remove its decorators`] : [];
  }
  const { access, declared, introspectMaxAge } = readRoutePolicy(metatype, handler);
  if (access === 'public') return [];
  if (kind === 'reference') {
    return [
      `${place}: Nest runs no guard for @ResolveReference(), so that _entities queries need no token; ${SETTING}, or ` +
        'say @Public()',
    ];
  }
  if (access === 'optional' && !requiresAnything(resolver)) return [];
  if (!declared && introspectMaxAge === undefined) return [];
  return [`${place}: Nest runs no guard for this field, so its decorators would not be enforced; ${SETTING}`];
}

function requiresAnything({ metatype, property }: Resolver): boolean {
  return [...classLevels(metatype), ...methodLevels(metatype, property)].some(({ declarations }) =>
    declarations.some(({ kind }) => kind !== 'optional' && kind !== 'public'),
  );
}
