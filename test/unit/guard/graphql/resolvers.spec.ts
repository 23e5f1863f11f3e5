/** The resolvers of an application, found by the metadata that `@nestjs/graphql` writes. */
import 'reflect-metadata';
import type { ModulesContainer } from '@nestjs/core';
import {
  findGraphQLOptions,
  findResolvers,
  includedModules,
  type Resolver,
} from '../../../../lib/guard/graphql/resolvers.js';

const TYPE = 'graphql:resolver_type';

const says =
  (metadata: Readonly<Record<string, unknown>>): MethodDecorator =>
  (_target, _property, { value }) => {
    for (const [key, each] of Object.entries(metadata)) Reflect.defineMetadata(key, each, value as object);
  };
const field = (more: Readonly<Record<string, unknown>> = {}) =>
  says({ 'graphql:resolve_property': true, ...more });

class Orders {
  @says({ [TYPE]: 'Query', 'graphql:resolver_name': 'allOrders' }) orders(): void {}
  @says({ [TYPE]: 'Mutation' }) place(): void {}
  @says({ [TYPE]: 'Subscription' }) placed(): void {}
  @field() total(): void {}
  @field({ 'graphql:resolver_name': 'lines' }) readLines(): void {}
  @says({ 'graphql:resolve_reference': true }) resolveReference(): void {}
  @field({ 'graphql:resolver_name': '__resolveType' }) resolveType(): void {}
  helper(): void {}
}
Reflect.defineMetadata(TYPE, 'Order', Orders);

class NoResolver {
  @field() total(): void {}
  @says({ [TYPE]: 7 }) orders(): void {}
}

interface Node {
  readonly metatype?: unknown;
  readonly providers: ReadonlyMap<unknown, unknown>;
  readonly imports: Set<Node>;
}
const nodeOf = (providers: Readonly<Record<string, object>> = {}, metatype?: unknown): Node => ({
  metatype,
  providers: new Map(Object.entries(providers)),
  imports: new Set(),
});
const containerOf = (...nodes: readonly Node[]): ModulesContainer =>
  new Map(nodes.map((each, index) => [String(index), each])) as unknown as ModulesContainer;

const find = (provider: object): readonly Resolver[] => findResolvers(containerOf(nodeOf({ provider })));

describe('findResolvers', () => {
  it('finds the methods of a resolver, and what each of them resolves', () => {
    const instance = new Orders();
    const found = find({ metatype: Orders, instance });
    expect(found.map(({ property, type, field: name, kind }) => [property, type, name, kind])).toEqual([
      ['orders', 'Query', 'allOrders', 'root'],
      ['place', 'Mutation', 'place', 'root'],
      ['placed', 'Subscription', 'placed', 'root'],
      ['total', 'Order', 'total', 'field'],
      ['readLines', 'Order', 'lines', 'field'],
      ['resolveReference', 'Order', '__resolveReference', 'reference'],
      ['resolveType', 'Order', '__resolveType', 'type'],
    ]);
    expect(found[0]).toMatchObject({ metatype: Orders, instance, handler: Orders.prototype.orders });
  });

  it('knows the module of each', () => {
    const node = nodeOf({ provider: { metatype: Orders, instance: new Orders() } });
    for (const { module } of findResolvers(containerOf(nodeOf(), node))) expect(module).toBe(node);
  });

  it('reads what the instance is made of, else the class', () => {
    class Derived extends Orders {}
    expect(find({ metatype: () => undefined, instance: new Derived() })[0]?.metatype).toBe(Derived);
    for (const instance of [undefined, null, 'text'])
      expect(find({ metatype: Orders, instance })[0]?.metatype).toBe(Orders);
  });

  it('finds nothing in what is no resolver', () => {
    expect(find({ metatype: NoResolver, instance: new NoResolver() })).toEqual([]);
    for (const instance of [{}, Object.create(null), Object.create({ constructor: 'none' }), undefined])
      for (const metatype of [undefined, {}, Object.assign(() => 0, { prototype: 'none' }), () => undefined])
        expect(find({ metatype, instance })).toEqual([]);
  });
});

describe('findGraphQLOptions', () => {
  it('are those of every module that has them', () => {
    const [first, second] = [{ path: '/a' }, { path: '/b' }];
    const of = (instance: unknown): Node => nodeOf({ GqlModuleOptions: { instance } });
    const modules = containerOf(of(first), nodeOf(), of(undefined), of(null), of(second));
    expect(findGraphQLOptions(modules)).toEqual([first, second]);
  });
});

describe('includedModules', () => {
  class Root {}
  class Feature {}
  const [root, feature, nested, other] = [nodeOf({}, Root), nodeOf({}, Feature), nodeOf(), nodeOf()];
  feature.imports.add(nested);
  nested.imports.add(feature);
  const modules = containerOf(root, feature, nested, other);

  it('are all where none is named', () => {
    expect(includedModules(modules, {})).toEqual(new Set([root, feature, nested, other]));
    expect(includedModules(modules, { include: [] })).toEqual(new Set([root, feature, nested, other]));
  });

  it('are those named, and what they import', () => {
    expect([...includedModules(modules, { include: [Feature] })]).toEqual([feature, nested]);
    expect([...includedModules(modules, { include: [Root] })]).toEqual([root]);
    expect([...includedModules(modules, { include: [class Unknown {}] })]).toEqual([]);
  });
});
