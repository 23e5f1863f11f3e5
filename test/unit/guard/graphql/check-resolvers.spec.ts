/** The fields that Nest runs no guard for, and that anybody could read. */
import 'reflect-metadata';
import type { ModulesContainer } from '@nestjs/core';
import { Introspect } from '../../../../lib/policy/introspect.decorator.js';
import { OptionalAuth } from '../../../../lib/policy/optional-auth.decorator.js';
import { Public } from '../../../../lib/policy/public.decorator.js';
import { Scopes } from '../../../../lib/access/requirements/scopes.js';
import { checkResolvers } from '../../../../lib/guard/graphql/check-resolvers.js';
import type { GraphQLOptions } from '../../../../lib/guard/graphql/resolvers.js';

type Kind = 'query' | 'field' | 'reference' | 'type';
const METADATA: Readonly<Record<Kind, Readonly<Record<string, unknown>>>> = {
  query: { 'graphql:resolver_type': 'Query' },
  field: { 'graphql:resolver_type': 'Order', 'graphql:resolve_property': true },
  reference: { 'graphql:resolver_type': 'Order', 'graphql:resolve_reference': true },
  type: {
    'graphql:resolver_type': 'Order',
    'graphql:resolve_property': true,
    'graphql:resolver_name': '__resolveType',
  },
};

type Decorator = ClassDecorator & MethodDecorator;

function check(
  kind: Kind,
  onMethod: readonly Decorator[] = [],
  onClass: readonly Decorator[] = [],
  ...options: readonly GraphQLOptions[]
): readonly string[] {
  class Orders {
    resolve(): void {}
  }
  for (const [key, value] of Object.entries(METADATA[kind]))
    Reflect.defineMetadata(key, value, Orders.prototype.resolve);
  const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, 'resolve') as PropertyDescriptor;
  for (const decorate of onMethod) decorate(Orders.prototype, 'resolve', descriptor);
  for (const decorate of onClass) decorate(Orders);
  const module = {
    metatype: Orders,
    imports: new Set(),
    providers: new Map<string, object>([['', { metatype: Orders, instance: new Orders() }]]),
  };
  const others = (options.length > 0 ? options : [{}]).map((instance) => ({
    metatype: undefined,
    imports: new Set(),
    providers: new Map([['GqlModuleOptions', { instance }]]),
  }));
  const all = [module, ...others].map((each, index) => [String(index), each] as const);
  return checkResolvers(new Map(all) as unknown as ModulesContainer);
}

const SETTING = "set fieldResolverEnhancers: ['guards'] in the options of GraphQLModule";
const FIELD = [
  `Orders.resolve: Nest runs no guard for this field, so its decorators would not be enforced; ${SETTING}`,
];
const REFERENCE = [
  `Orders.resolve: Nest runs no guard for @ResolveReference(), so that _entities queries need no token; ${SETTING}, or say @Public()`,
];
const TYPE = ['Orders.resolve: Nest runs no guard for __resolveType; remove its decorators'];
const GUARDS: GraphQLOptions = { fieldResolverEnhancers: ['guards'] };

it.each<[string, readonly string[], Parameters<typeof check>]>([
  ['a query', [], ['query', [Scopes('a')]]],
  ['a field that declares nothing', [], ['field']],
  ['a field with a requirement', FIELD, ['field', [Scopes('a')]]],
  ['a field of a class with a requirement', FIELD, ['field', [], [Scopes('a')]]],
  ['a field that has the token introspected', FIELD, ['field', [Introspect()]]],
  ['a public field of a class with a requirement', [], ['field', [Public()], [Scopes('a')]]],
  ['an optional field', [], ['field', [OptionalAuth()]]],
  ['an optional field of a public class', [], ['field', [OptionalAuth()], [Public()]]],
  ['an optional field with a requirement', FIELD, ['field', [OptionalAuth(), Scopes('a')]]],
  ['an optional field of a class with a requirement', FIELD, ['field', [OptionalAuth()], [Scopes('a')]]],
  ['a field with a requirement where guards run for fields', [], ['field', [Scopes('a')], [], GUARDS]],
  [
    'a field with a requirement where other enhancers run for fields',
    FIELD,
    ['field', [Scopes('a')], [], { fieldResolverEnhancers: ['interceptors'] }],
  ],
  ['a reference that declares nothing', REFERENCE, ['reference']],
  ['a reference that is optional', REFERENCE, ['reference', [OptionalAuth()]]],
  ['a public reference', [], ['reference', [Public()]]],
  ['a reference where guards run for fields', [], ['reference', [], [], GUARDS]],
  ['a type', [], ['type']],
  ['a type of a class with a requirement', [], ['type', [], [Scopes('a')]]],
  ['a type with decorators', TYPE, ['type', [Public()]]],
  ['a type with decorators where guards run for fields', TYPE, ['type', [Scopes('a')], [], GUARDS]],
  ['a field that one of two schemas has without guards', FIELD, ['field', [Scopes('a')], [], GUARDS, {}]],
  ['a field that two schemas have, named once', FIELD, ['field', [Scopes('a')], [], {}, {}]],
  [
    'a field that the schema does not include',
    [],
    ['field', [Scopes('a')], [], { include: [class Unknown {}] }],
  ],
])('%s', (_, problems, given) => {
  expect(check(...given)).toEqual(problems);
});
