/** One GraphQL application on Apollo and one kind of guard: `graphql-server.js <platform> <variant> <issuer> <options>`. */
import 'reflect-metadata';
import { ApolloDriver } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Field, GraphQLModule, ObjectType, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { answerQuestions } from './usage.js';
import { VARIANTS } from './variants.js';

const [platform, variant, issuer, options = '{}'] = process.argv.slice(2);

async function makeAdapter() {
  if (platform === 'Fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}

class Thing {}
ObjectType()(Thing);
Field(() => String)(Thing.prototype, 'id');

class ThingsResolver {
  name() {
    return 'a thing';
  }
  things() {
    return Array.from({ length: 10 }, (_, i) => ({ id: String(i) }));
  }
  label() {
    return 'label';
  }
}

const { decorate = [], ...parts } = await VARIANTS[variant].setUp(issuer, JSON.parse(options));
const { prototype } = ThingsResolver;
const METHODS = {
  name: [Query(() => String), ...decorate],
  things: [Query(() => [Thing]), ...decorate],
  label: [ResolveField(() => String), ...decorate],
};
for (const [method, decorators] of Object.entries(METHODS))
  for (const decorator of decorators)
    decorator(prototype, method, Object.getOwnPropertyDescriptor(prototype, method));
Resolver(() => Thing)(ThingsResolver);

class AppModule {}
Module({
  ...parts,
  imports: [
    ...(parts.imports ?? []),
    GraphQLModule.forRoot({
      driver: ApolloDriver,
      autoSchemaFile: true,
      graphiql: false,
      fieldResolverEnhancers: ['guards'],
    }),
  ],
  providers: [...(parts.providers ?? []), ThingsResolver],
})(AppModule);

const app = await NestFactory.create(AppModule, await makeAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');

answerQuestions(`${await app.getUrl()}/graphql`);
