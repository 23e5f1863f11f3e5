/** The attack suite of the test kit, against a gateway: everything is refused in the handshake, and an open one is found out. */
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Public, Scopes } from 'nestjs-resource-server';
import { attackSuite, TestIssuer } from 'nestjs-resource-server/testing';
import type { TestApp } from '../support/app.js';
import { bootGateways } from '../support/sockets.js';

@WebSocketGateway({ path: '/chat' })
@Scopes('chat')
class ChatGateway {
  @SubscribeMessage('say') say(): void {}
}

@WebSocketGateway({ path: '/open' })
@Public()
class OpenGateway {
  @SubscribeMessage('say') say(): void {}
}

const issuer = await TestIssuer.start();
let app: TestApp;
beforeAll(async () => {
  app = await bootGateways('ws', issuer.options, { gateways: [ChatGateway, OpenGateway] });
});
afterAll(async () => {
  await app.close();
  await issuer.close();
});

const attacks = attackSuite(issuer, { path: '/chat', webSocket: true, token: { scope: ['chat'] } });

it.each(attacks.map((attack) => [attack.name, attack] as const))('%s', async (_, attack) => {
  await attack.run(app.origin);
});

it('finds an open gateway out', async () => {
  const open = attackSuite(issuer, { path: '/open', webSocket: true });
  const none = open.find(({ name }) => name === 'CONNECT /open: header: none');
  await expect(none?.run(app.origin)).rejects.toThrow('answered 200, expected 401');
});
