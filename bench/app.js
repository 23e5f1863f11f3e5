/** One Nest application with one route and one kind of guard. */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { VARIANTS } from './variants.js';

async function makeAdapter(platform) {
  if (platform === 'Fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}

/** `GET /things` behind the guard of this variant. @returns the application, which does not listen yet */
export async function makeApp(platform, variant, issuer, options = {}) {
  class ThingsController {
    list() {
      return { things: ['a', 'b'] };
    }
  }
  const { decorate = [], middleware, ...parts } = await VARIANTS[variant].setUp(issuer, options);
  const list = Object.getOwnPropertyDescriptor(ThingsController.prototype, 'list');
  for (const decorator of [Get(), ...decorate]) decorator(ThingsController.prototype, 'list', list);
  Controller('things')(ThingsController);

  class AppModule {
    configure(consumer) {
      if (middleware) consumer.apply(...middleware).forRoutes(ThingsController);
    }
  }
  Module({ controllers: [ThingsController], ...parts })(AppModule);
  return NestFactory.create(AppModule, await makeAdapter(platform), { logger: false });
}
