/** Finds the GraphQL resolver methods. Reads only metadata, so that `@nestjs/graphql` is not imported. */
import 'reflect-metadata';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';

/** Metadata keys of the decorators of `@nestjs/graphql` and the token of its options, the same in 13 and 14. */
const TYPE = 'graphql:resolver_type';
const NAME = 'graphql:resolver_name';
const PROPERTY = 'graphql:resolve_property';
const REFERENCE = 'graphql:resolve_reference';
const MODULE_OPTIONS = 'GqlModuleOptions';

const ROOT_TYPES: ReadonlySet<unknown> = new Set(['Query', 'Mutation', 'Subscription']);

type Method = ((...args: never[]) => unknown) & { readonly name: string };
type Module = ModulesContainer extends Map<string, infer Each> ? Each : never;

export interface Resolver {
  readonly metatype: Method;
  readonly instance: unknown;
  /** The name of the method. */
  readonly property: string;
  readonly handler: Method;
  /** `Query`, `Mutation`, `Subscription`, or the type that has the field. */
  readonly type: string;
  /** The name of the field; `__resolveReference`, `__resolveType`. */
  readonly field: string;
  readonly kind: 'root' | 'field' | 'reference' | 'type';
  readonly module: Module;
}

/** The options of `GraphQLModule` that are read. */
export interface GraphQLOptions {
  readonly driver?: { readonly name: string };
  readonly context?: unknown;
  /** Mercurius only. */
  readonly subscription?: unknown;
  /** Apollo only. */
  readonly subscriptions?: unknown;
  readonly include?: readonly unknown[];
  readonly fieldResolverEnhancers?: readonly string[];
  readonly path?: string;
  readonly useGlobalPrefix?: boolean;
}

const scanner = new MetadataScanner();

export function findResolvers(modules: ModulesContainer): readonly Resolver[] {
  return [...modules.values()].flatMap((module) =>
    [...module.providers.values()].flatMap(({ metatype, instance }) =>
      resolversOf(prototypeOf(metatype, instance)).map((found) => ({ ...found, instance, module })),
    ),
  );
}

/**
 * Returns the prototype that Nest reads: that of the instance, also if a factory created it. For a request-scoped class, the
 * instance is an object that has only the methods.
 */
function prototypeOf(metatype: unknown, instance: unknown): object | null {
  if (typeof instance === 'object' && instance !== null)
    return Object.getPrototypeOf(instance) as object | null;
  const prototype: unknown = typeof metatype === 'function' ? metatype.prototype : undefined;
  return typeof prototype === 'object' ? prototype : null;
}

function resolversOf(prototype: object | null): readonly Omit<Resolver, 'instance' | 'module'>[] {
  const metatype: unknown = prototype?.constructor;
  if (!prototype || prototype === Object.prototype || typeof metatype !== 'function') return [];
  const typeOfClass: unknown = Reflect.getMetadata(TYPE, metatype);
  return scanner.getAllMethodNames(prototype).flatMap((property) => {
    const handler = (prototype as Record<string, Method>)[property];
    const found = handler && resolverOf(typeOfClass, property, handler);
    return found ? [{ ...found, metatype: metatype as Method, property, handler }] : [];
  });
}

/** Recognizes a resolver by the same rules as Nest. */
function resolverOf(
  typeOfClass: unknown,
  property: string,
  handler: Method,
): Pick<Resolver, 'type' | 'field' | 'kind'> | undefined {
  const type: unknown = Reflect.getMetadata(TYPE, handler) ?? typeOfClass;
  if (typeof type !== 'string') return undefined;
  const isReference = Boolean(Reflect.getMetadata(REFERENCE, handler));
  const isProperty = Boolean(Reflect.getMetadata(PROPERTY, handler));
  const isRoot = ROOT_TYPES.has(type);
  if (!isRoot && !isReference && !isProperty) return undefined;
  const name: unknown = Reflect.getMetadata(NAME, handler) ?? property;
  const field = isReference ? '__resolveReference' : String(name);
  const kind = isRoot ? 'root' : isReference ? 'reference' : field === '__resolveType' ? 'type' : 'field';
  return { type, field, kind };
}

/** Returns the options of every `GraphQLModule` of the application. */
export function findGraphQLOptions(modules: ModulesContainer): readonly GraphQLOptions[] {
  return [...modules.values()].flatMap(({ providers }) => {
    const options = providers.get(MODULE_OPTIONS)?.instance as GraphQLOptions | undefined | null;
    return options ? [options] : [];
  });
}

/** Returns the modules whose resolvers a GraphQL module serves: those in `include`, and the modules that they import. */
export function includedModules(
  modules: ModulesContainer,
  { include = [] }: GraphQLOptions,
): ReadonlySet<Module> {
  const all = [...modules.values()];
  if (include.length === 0) return new Set(all);
  const included = new Set(all.filter(({ metatype }) => include.includes(metatype)));
  for (const module of included) for (const imported of module.imports) included.add(imported);
  return included;
}
