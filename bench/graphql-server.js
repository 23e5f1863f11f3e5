/**
 * One GraphQL application on one GraphQL server and one kind of guard: `graphql-server.js <platform> <variant> <issuer> <options>`.
 * The option `graphql` names the GraphQL server; the others are those of the module.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Field, GraphQLModule, ObjectType, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { answerQuestions } from './usage.js';
import { VARIANTS } from './variants.js';

const [platform, variant, issuer, json = '{}'] = process.argv.slice(2);
const { graphql = 'Apollo', ...options } = JSON.parse(json);

async function loadDriver() {
  if (graphql === 'Mercurius') return (await import('@nestjs/mercurius')).MercuriusDriver;
  return (await import('@nestjs/apollo')).ApolloDriver;
}

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

const { decorate = [], ...parts } = await VARIANTS[variant].setUp(issuer, options);
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
      driver: await loadDriver(),
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
