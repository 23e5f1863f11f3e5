/**
 * Are gateways guarded on this version of Nest? Boots one with each adapter, and ends with 1 where an answer is wrong. Nest 11 runs
 * no global guard for gateways, and tells clients of `ws` of no exception.
 */
import 'reflect-metadata';
import * as common from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import * as websockets from '@nestjs/websockets';
import { AuthGuard, AuthModule, Claims, claimsOf, Public, Scopes } from 'nestjs-resource-server';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

const { MONOCLOUD_BACKEND_TENANT_DOMAIN: issuer, MONOCLOUD_BACKEND_AUDIENCE: audience, TOKEN } = process.env;
const connected = [];

/** Decorators by hand: no compiler stands between a version of Nest and its answer. */
function makeGateway(...onClass) {
  class ChatGateway {
    handleConnection(client) {
      connected.push(claimsOf(client)?.iss === issuer);
    }
    who(iss) {
      return { event: 'who', data: iss === issuer };
    }
    admin() {
      return { event: 'admin', data: true };
    }
    open(iss) {
      return { event: 'open', data: iss === undefined };
    }
  }
  const methods = {
    who: [websockets.SubscribeMessage('who')],
    admin: [websockets.SubscribeMessage('admin'), Scopes('admin')],
    open: [websockets.SubscribeMessage('open'), Public()],
  };
  for (const [name, decorators] of Object.entries(methods)) {
    Claims('iss')(ChatGateway.prototype, name, 0);
    for (const decorate of decorators)
      decorate(ChatGateway.prototype, name, Object.getOwnPropertyDescriptor(ChatGateway.prototype, name));
  }
  for (const decorate of [websockets.WebSocketGateway(), ...onClass]) decorate(ChatGateway);
  return ChatGateway;
}

async function start(adapter, gateway, options) {
  class AppModule {}
  common.Module({
    imports: [AuthModule.forRoot({ issuer, audience, ...options })],
    providers: [gateway],
  })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: ['error'], abortOnError: false });
  app.useWebSocketAdapter(adapter === 'ws' ? new WsAdapter(app) : new IoAdapter(app));
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl() };
}

const clients = {
  ws(url, token) {
    const socket = new WebSocket(url.replace('http', 'ws'), token ? ['bearer', token] : []);
    const heard = [];
    socket.on('message', (text) => heard.push(JSON.parse(text)));
    return {
      heard,
      refused: new Promise((resolve) =>
        socket.on('close', (code, reason) => resolve(`${code} ${reason.toString()}`)),
      ),
      opened: new Promise((resolve) => socket.on('open', resolve)),
      send: (event) => socket.send(JSON.stringify({ event })),
      close: () => socket.terminate(),
    };
  },
  'socket.io'(url, token) {
    const socket = io(url, {
      auth: token ? { token } : {},
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
    });
    const heard = [];
    socket.onAny((event, data) => heard.push({ event, data }));
    return {
      heard,
      refused: new Promise((resolve) =>
        socket.on('connect_error', ({ data }) => resolve(JSON.stringify(data))),
      ),
      opened: new Promise((resolve) => socket.on('connect', resolve)),
      send: (event) => socket.emit(event),
      close: () => socket.disconnect(),
    };
  },
};

async function until(client, count) {
  for (const end = Date.now() + 5000; client.heard.length < count && Date.now() < end;)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return client.heard
    .map(({ event, data }) => `${event} ${data?.statusCode ?? data}`)
    .toSorted()
    .join(', ');
}

async function answersOf(adapter, ...made) {
  connected.length = 0;
  const { app, url } = await start(adapter, ...made);
  const nobody = clients[adapter](url);
  const refusal = await nobody.refused;
  const member = clients[adapter](url, TOKEN);
  await member.opened;
  for (const event of ['who', 'admin', 'open']) member.send(event);
  const heard = await until(member, 3);
  const answer = [refusal, connected.join(), heard].join('; ');
  nobody.close();
  member.close();
  await app.close();
  return answer;
}

const GUARDED = {
  ws: '1008 unauthorized; true; exception 403, open true, who true',
  'socket.io':
    '{"statusCode":401,"message":"unauthorized","errorCode":"missing_token"}; true; exception 403, open true, who true',
};
let wrong = 0;
for (const adapter of ['ws', 'socket.io']) {
  for (const [name, made] of [
    ['with the global guard', () => [makeGateway()]],
    ['with the global guard and @UseGuards()', () => [makeGateway(common.UseGuards(AuthGuard))]],
    ['with @UseGuards() only', () => [makeGateway(common.UseGuards(AuthGuard)), { globalGuard: false }]],
  ]) {
    const answer = await answersOf(adapter, ...made()).catch((error) => `refused: ${error.stack}`);
    const isRight = answer === GUARDED[adapter];
    if (!isRight) wrong += 1;
    console.log(`${isRight ? 'ok   ' : 'WRONG'} ${[adapter, name].join(' ')}: ${answer}`);
  }
}
process.exit(wrong === 0 ? 0 : 1);
