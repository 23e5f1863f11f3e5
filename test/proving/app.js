/** The application under test: the built package, on one platform, with a route for each thing that a route can ask. */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  AuthModule,
  CertBound,
  Claims,
  DPoPBound,
  Groups,
  OptionalAuth,
  Public,
  Scopes,
  TokenRevocations,
} from 'nestjs-resource-server';

export const PLATFORMS = ['Express', 'Fastify'];

/** What each path asks for. The oracle has its own list: this one is what the application declares. */
const ROUTES = {
  any: [],
  scoped: [Scopes('read:things')],
  grouped: [Groups('staff')],
  optional: [OptionalAuth()],
  public: [Public()],
  'cert-bound': [CertBound()],
  'dpop-bound': [DPoPBound()],
  items: [],
};

/** Where a path is not the name of its route: a handler that respelled paths reach, too. */
const PATHS = { items: 'items/:folder/:name' };

export async function startApp(platform, options) {
  const module = makeModule(options);
  const adapter = platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
  const nest = await NestFactory.create(module, adapter, { logger: false, abortOnError: false });
  await nest.listen(0, '127.0.0.1');
  const server = nest.getHttpServer();
  let closed;
  const revocations = nest.get(TokenRevocations);
  return { port: server.address().port, server, revocations, close: () => (closed ??= nest.close()) };
}

function makeModule(options) {
  class ThingsController {}
  for (const [path, declarations] of Object.entries(ROUTES)) {
    const handler = { [path]: (claims) => ({ sub: claims?.sub ?? null }) }[path];
    const descriptor = { value: handler, writable: true, configurable: true };
    Object.defineProperty(ThingsController.prototype, path, descriptor);
    Claims()(ThingsController.prototype, path, 0);
    for (const decorate of [Get(PATHS[path] ?? path), ...declarations])
      decorate(ThingsController.prototype, path, descriptor);
  }
  Controller()(ThingsController);

  class AppModule {}
  Module({ imports: [AuthModule.forRoot(options)], controllers: [ThingsController] })(AppModule);
  return AppModule;
}
