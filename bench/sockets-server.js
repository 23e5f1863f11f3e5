/** The server of the section `sockets`: one gateway, on ws or on socket.io. Arguments: library, variant, issuer. */
import 'reflect-metadata';
import { Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { AUDIENCE } from './issuer.js';
import { BY_HAND, MODULE, UNGUARDED } from './sockets.js';

const [library, variant, issuer] = process.argv.slice(2);

const claimsOf = new WeakMap();
const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));

class YesGuard {
  canActivate() {
    return true;
  }
}

/** As tutorials write it: verified when the client connects, looked up for each message. */
class HandGuard {
  canActivate(context) {
    const claims = claimsOf.get(context.switchToWs().getClient());
    const isGood = claims?.exp > Date.now() / 1000 && claims.scope.split(' ').includes('read:things');
    if (!isGood) throw new WsException('unauthorized');
    return true;
  }
}

class ThingsGateway {
  async handleConnection(client, request = client.request) {
    if (variant !== BY_HAND) return;
    const token = client.handshake?.auth.token ?? request.headers.authorization?.slice(7);
    const { payload } = await jwtVerify(token, keys, { issuer, audience: AUDIENCE });
    claimsOf.set(client, payload);
  }
  things(_client, data) {
    return { event: 'things', data };
  }
}
SubscribeMessage('things')(
  ThingsGateway.prototype,
  'things',
  Object.getOwnPropertyDescriptor(ThingsGateway.prototype, 'things'),
);
// Without the pings of socket.io: they would be all that happens while nothing does.
WebSocketGateway({ pingInterval: 1e9, pingTimeout: 1e9 })(ThingsGateway);

const imports = [];
if (variant === MODULE) {
  const { AuthModule, Scopes } = await import('../dist/index.js');
  Scopes('read:things')(ThingsGateway);
  imports.push(AuthModule.forRoot({ issuer, audience: AUDIENCE, warmUp: 'required' }));
} else if (variant !== UNGUARDED) {
  UseGuards(variant === BY_HAND ? HandGuard : YesGuard)(ThingsGateway);
}

class AppModule {}
Module({ imports, providers: [ThingsGateway] })(AppModule);
const app = await NestFactory.create(AppModule, { logger: ['error'] });
app.useWebSocketAdapter(library === 'ws' ? new WsAdapter(app) : new IoAdapter(app));
await app.listen(0, '127.0.0.1');

process.on('message', (question) => {
  if (question === 'memory') {
    for (let i = 0; i < 4; i++) globalThis.gc();
    process.send(process.memoryUsage());
  } else process.send(process.cpuUsage());
});
process.send(app.getHttpServer().address().port);
