/** What the guard would not protect stops the start: fields and references that Nest runs no guard for, shared contexts. */
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import type { Type } from '@nestjs/common';
import {
  Field,
  GraphQLModule,
  ObjectType,
  Query,
  ResolveField,
  ResolveReference,
  Resolver,
} from '@nestjs/graphql';
import { CertBound, ConfigurationError, OptionalAuth, Public, Scopes } from 'nestjs-resource-server';
import { checkResolvers } from '../../lib/guard/graphql/check-resolvers.js';
import { bootApp, type TestApp } from '../support/app.js';
import { graphqlModule } from '../support/graphql.js';
import { Issuer } from '../support/issuer.js';
import { ModulesContainer } from '@nestjs/core';

@ObjectType()
class Order {
  @Field() id!: string;
}

@Resolver()
class Root {
  @Query(() => [Order]) orders(): Order[] {
    return [];
  }
}

const field = (...decorators: MethodDecorator[]): Type => {
  @Resolver(() => Order)
  class OrderResolver {
    @ResolveField(() => String) price(): string {
      return '1';
    }
  }
  decorate(OrderResolver, 'price', decorators);
  return OrderResolver;
};
const fieldOf = (classDecorator: ClassDecorator): Type => {
  const target = field();
  classDecorator(target);
  return target;
};
const reference = (...decorators: (MethodDecorator | ClassDecorator)[]): Type => {
  @Resolver(() => Order)
  class OrderReferenceResolver {
    @ResolveReference() resolveReference(): Order {
      return { id: '1' };
    }
  }
  decorate(OrderReferenceResolver, 'resolveReference', decorators as MethodDecorator[]);
  return OrderReferenceResolver;
};
const typed = (...decorators: MethodDecorator[]): Type => {
  @Resolver('Thing')
  class ThingResolver {
    @ResolveField() __resolveType(): string {
      return 'Order';
    }
  }
  decorate(ThingResolver, '__resolveType', decorators);
  return ThingResolver;
};

function decorate(target: Type, property: string, decorators: readonly MethodDecorator[]): void {
  const prototype = target.prototype as object;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, property);
  for (const each of decorators) if (descriptor) each(prototype, property, descriptor);
}

describe('starting with GraphQL', () => {
  let issuer: Issuer;
  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  afterAll(() => issuer.close());

  const boot = (resolver: Type, graphql = {}): Promise<TestApp> =>
    bootApp(issuer.options, {
      platform: 'Express',
      controllers: [],
      imports: [graphqlModule('Apollo', graphql)],
      providers: [Root, resolver],
    });

  it.each<[string, Type]>([
    ['@Scopes() on the field', field(Scopes('read'))],
    ['@CertBound() on the field', field(CertBound())],
    ['@Scopes() on the class of the field', fieldOf(Scopes('read'))],
    ['@OptionalAuth() with @Scopes() on the field', field(OptionalAuth(), Scopes('read'))],
  ])('refuses %s without field guards, and says what to set', async (_name, resolver) => {
    await expect(boot(resolver)).rejects.toThrow(
      /OrderResolver\.price: Nest runs no guard .*fieldResolverEnhancers: \['guards'\]/,
    );
    await expect(boot(resolver)).rejects.toBeInstanceOf(ConfigurationError);
  });

  it.each<[string, Type, object]>([
    ['a decorator with field guards', field(Scopes('read')), { fieldResolverEnhancers: ['guards'] }],
    ['a field that requires nothing', field(), {}],
    ['a public field', field(Public()), {}],
    ['an optional field', field(OptionalAuth()), {}],
  ])('starts with %s', async (_name, resolver, graphql) => {
    await (await boot(resolver, graphql)).close();
  });

  describe('checks', () => {
    /** As Nest keeps them, without a schema: that of a federation needs more packages. */
    const problemsOf = (resolver: Type, options: object): readonly string[] => {
      const providers = new Map<unknown, unknown>([
        [resolver, { metatype: resolver, instance: Object.create(resolver.prototype as object) }],
        ['GqlModuleOptions', { instance: { driver: class Driver {}, ...options } }],
      ]);
      const container = new ModulesContainer();
      container.set('m', { providers, metatype: Root, imports: new Set() } as never);
      return checkResolvers(container);
    };

    it.each<[string, Type, object, RegExp | undefined]>([
      [
        'an undecorated reference',
        reference(),
        {},
        /_entities queries need no token.*fieldResolverEnhancers/,
      ],
      ['a decorated reference', reference(Scopes('read')), {}, /_entities queries need no token/],
      ['an optional reference', reference(OptionalAuth()), {}, /_entities queries need no token/],
      ['a reference with field guards', reference(), { fieldResolverEnhancers: ['guards'] }, undefined],
      ['a public reference', reference(Public()), {}, undefined],
      [
        'a decorated __resolveType',
        typed(Scopes('read')),
        { fieldResolverEnhancers: ['guards'] },
        /no guard for __resolveType/,
      ],
      ['an undecorated __resolveType', typed(), {}, undefined],
      [
        'other enhancers',
        field(Scopes('read')),
        { fieldResolverEnhancers: ['filters'] },
        /no guard for this field/,
      ],
      ['another module is included', field(Scopes('read')), { include: [class Other {}] }, undefined],
      ['its module is included', field(Scopes('read')), { include: [Root] }, /no guard for this field/],
    ])('%s', (_name, resolver, options, problem) => {
      const problems = problemsOf(resolver, options);
      if (problem === undefined) expect(problems).toEqual([]);
      else expect(problems).toEqual([expect.stringMatching(problem)]);
    });
  });

  it('stops where the options cannot be changed, so that requests could share a context', async () => {
    const frozen = Object.freeze({ driver: ApolloDriver, autoSchemaFile: true, context: () => ({}) });
    const starting = bootApp(issuer.options, {
      platform: 'Express',
      controllers: [],
      imports: [GraphQLModule.forRoot<ApolloDriverConfig>(frozen)],
      providers: [Root],
    });
    await expect(starting).rejects.toThrow(/GraphQLModule: the options are frozen/);
  });

  it('reads options that come from a factory', async () => {
    const starting = bootApp(issuer.options, {
      platform: 'Express',
      controllers: [],
      imports: [
        GraphQLModule.forRootAsync<ApolloDriverConfig>({
          driver: ApolloDriver,
          useFactory: async () => ({ autoSchemaFile: true, graphiql: false }),
        }),
      ],
      providers: [Root, field(Scopes('read'))],
    });
    await expect(starting).rejects.toThrow(/OrderResolver\.price: Nest runs no guard/);
  });
});
