/** One Nest application with one kind of guard, in a process of its own: `server.js <platform> <variant> <issuer> <options>`. */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { answerQuestions } from './usage.js';
import { VARIANTS } from './variants.js';

const [platform, variant, issuer, options = '{}'] = process.argv.slice(2);

async function makeAdapter() {
  if (platform === 'Fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}

class ThingsController {
  list() {
    return { things: ['a', 'b'] };
  }
}

const { decorate = [], middleware, ...parts } = await VARIANTS[variant].setUp(issuer, JSON.parse(options));
const list = Object.getOwnPropertyDescriptor(ThingsController.prototype, 'list');
for (const decorator of [Get(), ...decorate]) decorator(ThingsController.prototype, 'list', list);
Controller('things')(ThingsController);

class AppModule {
  configure(consumer) {
    if (middleware) consumer.apply(...middleware).forRoutes(ThingsController);
  }
}
Module({ controllers: [ThingsController], ...parts })(AppModule);

const app = await NestFactory.create(AppModule, await makeAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');

answerQuestions(`${await app.getUrl()}/things`);
