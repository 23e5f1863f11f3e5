/**
 * Is the guard right on this version of Nest's GraphQL packages? Boots an application for each driver, platform and kind of
 * context, and ends with 1 where an answer is wrong.
 *
 *     node boot.mjs             all of them
 *     node boot.mjs Mercurius   those whose name has this in it
 */
import 'reflect-metadata';
import { ApolloDriver } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GraphQLModule, Query, Resolver, Subscription } from '@nestjs/graphql';
import { MercuriusDriver } from '@nestjs/mercurius';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuthModule, claimsOf, Public, Scopes } from 'nestjs-resource-server';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const { MONOCLOUD_BACKEND_TENANT_DOMAIN: issuer, MONOCLOUD_BACKEND_AUDIENCE: audience, TOKEN } = process.env;
const authorization = `Bearer ${TOKEN}`;

class OrdersResolver {
  orders(_parent, _args, context) {
    return claimsOf(context.req)?.sub ?? 'nobody';
  }
  refund() {
    return 'refunded';
  }
  status() {
    return 'up';
  }
  async *placed() {
    yield { placed: 'order' };
  }
}

const text = () => String;
const METHODS = {
  orders: [Query(text)],
  refund: [Query(text, { nullable: true }), Scopes('admin')],
  status: [Query(text), Public()],
  placed: [Subscription(text)],
};
for (const [name, decorators] of Object.entries(METHODS)) {
  const { prototype } = OrdersResolver;
  for (const decorator of decorators)
    decorator(prototype, name, Object.getOwnPropertyDescriptor(prototype, name));
}
Resolver()(OrdersResolver);

const STACKS = {
  'Apollo, Express': {
    options: { driver: ApolloDriver, subscriptions: { 'graphql-ws': true } },
    adapter: () => new ExpressAdapter(),
  },
  'Apollo, Fastify': {
    options: { driver: ApolloDriver, subscriptions: { 'graphql-ws': true } },
    adapter: () => new FastifyAdapter(),
  },
  'Mercurius, Fastify': {
    options: { driver: MercuriusDriver, subscription: true },
    adapter: () => new FastifyAdapter(),
  },
};

/** Each made anew for an application. */
const CONTEXTS = {
  'no context': () => undefined,
  'a function': () => () => ({ loaders: 1 }),
  'one object for all': () => {
    const shared = { loaders: 1 };
    return () => shared;
  },
  'a promise of one object for all': () => {
    const shared = { loaders: 1 };
    return async () => shared;
  },
  'an object': () => ({ loaders: 1 }),
  'the first request for all': () => {
    const shared = {};
    return (at) => {
      shared.req ??= at.req ?? at;
      return shared;
    };
  },
};

async function start({ options, adapter }, context) {
  class AppModule {}
  Module({
    imports: [
      AuthModule.forRoot({ issuer, audience }),
      GraphQLModule.forRoot({ autoSchemaFile: true, graphiql: false, context, ...options }),
    ],
    providers: [OrdersResolver],
  })(AppModule);
  const app = await NestFactory.create(AppModule, adapter(), { logger: false, abortOnError: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

/** `ada`, or the code of the error. */
const told = ({ data, errors }) => errors?.[0].extensions?.code ?? Object.values(data).join();

async function post(app, query, headers = {}) {
  const response = await fetch(`http://127.0.0.1:${app.getHttpServer().address().port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  const challenge = response.headers.get('www-authenticate');
  return `${told(await response.json())}${challenge ? ` (${challenge.split(' ')[0]})` : ''}`;
}

/** The first thing that a subscription says. */
async function subscribe(app, connectionParams) {
  const client = createClient({
    url: `ws://127.0.0.1:${app.getHttpServer().address().port}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams,
    retryAttempts: 0,
  });
  try {
    for await (const result of client.iterate({ query: 'subscription { placed }' })) return told(result);
    return 'nothing';
  } catch (errors) {
    return Array.isArray(errors) ? told({ errors }) : String(errors);
  } finally {
    await client.dispose();
  }
}

async function ask(stack, context) {
  const app = await start(stack, context);
  try {
    return [
      await post(app, '{ orders }', { authorization }),
      await post(app, '{ orders }'),
      await post(app, '{ refund }', { authorization }),
      await post(app, '{ refund }'),
      await post(app, '{ status }'),
      await post(app, '{ orders }', { authorization: `${authorization.slice(0, -8)}AAAAAAAA` }),
      await subscribe(app, { authorization }),
      await subscribe(app),
    ].join(' ');
  } finally {
    await app.close();
  }
}

const RIGHT = [
  'ada',
  'UNAUTHENTICATED (Bearer)',
  'FORBIDDEN (Bearer)',
  'UNAUTHENTICATED (Bearer)',
  'up',
  'UNAUTHENTICATED (Bearer)',
  'order',
  'UNAUTHENTICATED',
].join(' ');

let wrong = 0;
for (const [stack, description] of Object.entries(STACKS)) {
  for (const [kind, makeContext] of Object.entries(CONTEXTS)) {
    const name = `${stack}, ${kind}`;
    if (!name.includes(process.argv[2] ?? '')) continue;
    const answer = await ask(description, makeContext()).catch((error) => `failed: ${error.stack}`);
    if (answer !== RIGHT) wrong += 1;
    console.log(`${answer === RIGHT ? 'ok   ' : 'WRONG'} ${name}: ${answer}`);
  }
}
process.exit(wrong === 0 ? 0 : 1);
