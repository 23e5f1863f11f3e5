/** Gateways and message handlers, over transports that live in memory. */
import { EventEmitter } from 'node:events';
import * as common from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import * as microservices from '@nestjs/microservices';
import * as websockets from '@nestjs/websockets';
import { lastValueFrom } from 'rxjs';
import { AuthGuard, AuthModule, Public } from 'nestjs-resource-server';
import {
  decorate,
  makeController,
  makeModule,
  OPTIONS,
  orRefusal,
  SETTINGS,
  start,
  warnings,
} from './nest.mjs';

/** The handler's answer, or that there is none: exception filters tell the client, or answer with an error. */
async function resultOf(answers) {
  try {
    return (await lastValueFrom(answers)) || 'refused';
  } catch {
    return 'refused';
  }
}

class MemoryStrategy extends microservices.Server {
  listen(ready) {
    ready();
  }
  close() {}
  on() {}
  unwrap() {}
  async send(pattern) {
    return resultOf(this.transformToObservable(await this.getHandlers().get(pattern)({}, {})));
  }
}

class MemoryAdapter extends websockets.AbstractWsAdapter {
  create() {
    return new EventEmitter();
  }
  bindMessageHandlers() {}
}

function makeHandlers(...onClass) {
  class EventsController {
    placed() {
      return 'placed';
    }
    ping() {
      return 'pong';
    }
  }
  return decorate(EventsController, [common.Controller(), ...onClass], {
    placed: [microservices.MessagePattern('placed')],
    ping: [microservices.MessagePattern('ping'), Public()],
  });
}

function makeGateway(...onClass) {
  class ChatGateway {
    send() {
      return 'sent';
    }
    ping() {
      return 'pong';
    }
  }
  return decorate(ChatGateway, [websockets.WebSocketGateway(), ...onClass], {
    send: [websockets.SubscribeMessage('send')],
    ping: [websockets.SubscribeMessage('ping'), Public()],
  });
}

/** `placed pong, warned` and the like. */
const describe = (answers) =>
  `${answers.join(' ')}, ${warnings.some((each) => each.includes('AuthGuard does not run')) ? 'warned' : 'silent'}`;

export function askHybrid(hybridOptions, { audit, handlers = makeHandlers() } = {}) {
  return orRefusal(async () => {
    const strategy = new MemoryStrategy();
    const imports = [AuthModule.forRoot({ ...OPTIONS, audit })];
    await start({ imports, controllers: [makeController(), handlers] }, async (app) => {
      app.connectMicroservice({ strategy }, hybridOptions);
      await app.startAllMicroservices();
    });
    return describe([await strategy.send('placed'), await strategy.send('ping')]);
  });
}

export async function askMicroservice() {
  const strategy = new MemoryStrategy();
  const imports = [AuthModule.forRoot(OPTIONS)];
  const module = makeModule({ imports, controllers: [makeHandlers()] });
  warnings.length = 0;
  const app = await NestFactory.createMicroservice(module, { ...SETTINGS, strategy });
  await app.listen();
  const answers = [await strategy.send('placed'), await strategy.send('ping')];
  await app.close();
  return describe(answers);
}

export function askGateway({ gateway = makeGateway() } = {}) {
  return orRefusal(async () => {
    const imports = [AuthModule.forRoot(OPTIONS)];
    await start({ imports, providers: [gateway], controllers: [] }, (app) =>
      app.useWebSocketAdapter(new MemoryAdapter()),
    );
    return 'started';
  });
}

export const guardedHandlers = () => makeHandlers(common.UseGuards(AuthGuard));
export const guardedGateway = () => makeGateway(common.UseGuards(AuthGuard));
