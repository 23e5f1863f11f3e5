/** One Nest application with one kind of guard, in a process of its own: `server.js <platform> <variant> <issuer>`. */
import 'reflect-metadata';
import { Controller, Get, Module, UnauthorizedException } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { AuthModule, Scopes } from '../dist/index.js';
import { AUDIENCE } from './issuer.js';

const [platform, variant, issuer] = process.argv.slice(2);

class ThingsController {
  list() {
    return { things: ['a', 'b'] };
  }
}
const handler = Object.getOwnPropertyDescriptor(ThingsController.prototype, 'list');
Get()(ThingsController.prototype, 'list', handler);
Controller('things')(ThingsController);
if (variant === 'nestjs-resource-server') Scopes('read:things')(ThingsController.prototype, 'list', handler);

class YesGuard {
  canActivate() {
    return true;
  }
}

/** By hand, as Nest's documentation teaches guards, with jose. */
class JoseGuard {
  keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));

  async canActivate(context) {
    const request = context.switchToHttp().getRequest();
    const [type, token] = request.headers.authorization?.split(' ') ?? [];
    if (type !== 'Bearer') throw new UnauthorizedException();
    try {
      const { payload } = await jwtVerify(token, this.keys, { issuer, audience: AUDIENCE });
      if (!payload.scope.split(' ').includes('read:things')) return false;
      request.user = payload;
      return true;
    } catch {
      throw new UnauthorizedException();
    }
  }
}

const GUARDS = {
  unguarded: {},
  'a guard that says yes': { providers: [{ provide: APP_GUARD, useClass: YesGuard }] },
  'jose by hand': { providers: [{ provide: APP_GUARD, useClass: JoseGuard }] },
  'nestjs-resource-server': { imports: [AuthModule.forRoot({ issuer, audience: AUDIENCE })] },
};

class AppModule {}
Module({ controllers: [ThingsController], ...GUARDS[variant] })(AppModule);

const adapter = platform === 'Fastify' ? new FastifyAdapter() : new ExpressAdapter();
const app = await NestFactory.create(AppModule, adapter, { logger: false });
await app.listen(0, '127.0.0.1');
process.send({ url: `${(await app.getUrl()).replace('[::1]', '127.0.0.1')}/things` });
process.on('disconnect', () => process.exit());
