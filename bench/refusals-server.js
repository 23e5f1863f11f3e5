/** One application with the routes that refusals are measured on: `refusals-server.js <platform> <variant> <issuer> <options>`. */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthModule, Introspect, Scopes } from '../dist/index.js';
import { AUDIENCE } from './issuer.js';
import { answerQuestions } from './usage.js';

const [platform, , issuer, options] = process.argv.slice(2);

async function makeAdapter() {
  if (platform === 'Fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}

class ThingsController {
  list() {
    return { things: ['a', 'b'] };
  }

  introspected() {
    return { things: ['a', 'b'] };
  }
}

function decorate(method, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(ThingsController.prototype, method);
  for (const decorator of decorators) decorator(ThingsController.prototype, method, descriptor);
}
decorate('list', Get('things'), Scopes('read:things'));
decorate('introspected', Get('introspected'), Introspect({ maxAge: 60 }));
Controller()(ThingsController);

class AppModule {}
Module({
  imports: [AuthModule.forRoot({ issuer, audience: AUDIENCE, ...JSON.parse(options) })],
  controllers: [ThingsController],
})(AppModule);

const app = await NestFactory.create(AppModule, await makeAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
answerQuestions(`${await app.getUrl()}/things`);
