/** What an application is made of here: JavaScript, so that no compiler stands between a version of Nest and its answer. */
import 'reflect-metadata';
import * as common from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Public, Scopes } from 'nestjs-resource-server';

const { MONOCLOUD_BACKEND_TENANT_DOMAIN: issuer, MONOCLOUD_BACKEND_AUDIENCE: audience, TOKEN } = process.env;
export const OPTIONS = { issuer, audience };

/** Decorators by hand, those of methods first, as a compiler does. */
export function decorate(target, onClass, methods = {}) {
  for (const [name, decorators] of Object.entries(methods)) {
    for (const decorator of decorators) {
      decorator(target.prototype, name, Object.getOwnPropertyDescriptor(target.prototype, name));
    }
  }
  for (const decorator of onClass) decorator(target);
  return target;
}

/** A class with the constructor `(@Inject(token) ...)`. */
export function injecting(target, ...tokens) {
  tokens.forEach((token, index) => common.Inject(token)(target, undefined, index));
  return target;
}

export function makeController(options = {}, ...more) {
  class OrdersController {
    list() {
      return 'orders';
    }
    refund() {
      return 'refunded';
    }
    status() {
      return 'up';
    }
  }
  return decorate(OrdersController, [common.Controller(options), ...more], {
    list: [common.Get('orders')],
    refund: [common.Get('refund'), Scopes('admin')],
    status: [common.Get('status'), Public()],
  });
}

export function makeModule(definition) {
  return decorate(class AppModule {}, [common.Module({ controllers: [makeController()], ...definition })]);
}

/** What Nest warned of since the application before. */
export const warnings = [];
const silent = () => undefined;
const logger = {
  log: silent,
  error: silent,
  debug: silent,
  verbose: silent,
  fatal: silent,
  warn: (message) => warnings.push(String(message)),
};
export const SETTINGS = { logger, abortOnError: false };

const started = [];
export const closeAll = () => Promise.all(started.map((app) => app.close().catch(silent)));

export async function start(definition, prepare = silent) {
  warnings.length = 0;
  const app = await NestFactory.create(makeModule(definition), SETTINGS);
  started.push(app);
  await prepare(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

/** What it answers without a token, with a good one, where that has too few scopes, and where the route is public. */
export async function statusesOf(app) {
  const url = `http://127.0.0.1:${app.getHttpServer().address().port}`;
  const authorization = `Bearer ${TOKEN}`;
  const answers = await Promise.all([
    fetch(`${url}/orders`),
    fetch(`${url}/orders`, { headers: { authorization } }),
    fetch(`${url}/refund`, { headers: { authorization } }),
    fetch(`${url}/status`),
  ]);
  return answers.map(({ status }) => status).join(' ');
}

/** `refused: ...` where it is rejected. */
export async function orRefusal(ask) {
  try {
    return await ask();
  } catch (error) {
    return `refused: ${error.message.split('\n')[0]}`;
  }
}
