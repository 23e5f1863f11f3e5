/** Who may listen, who may write, and how does a connection go on when its token ends? */
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
  type OnGatewayConnection,
  type WsResponse,
} from '@nestjs/websockets';
import { Claims, claimsOf, ConnectionAuthenticator, Scopes } from 'nestjs-resource-server';
import { WebSocket, type WebSocketServer as Server } from 'ws';

const LONGEST_TEXT = 500;

/** `chat` is required at the handshake: who has no token with it is refused there, and receives nothing. */
@WebSocketGateway({ path: '/chat' })
@Scopes('chat')
export class ChatGateway implements OnGatewayConnection<WebSocket> {
  @WebSocketServer() private readonly server!: Server;

  constructor(private readonly connections: ConnectionAuthenticator) {}

  /** Only clients with a good token come here. */
  handleConnection(client: WebSocket): void {
    const { sub, exp } = claimsOf(client) ?? {};
    client.send(JSON.stringify({ event: 'welcome', data: { sub, exp } }));
  }

  @SubscribeMessage('say')
  @Scopes('chat:write')
  say(@MessageBody() text: unknown, @Claims('sub') sub: string): void {
    if (typeof text !== 'string' || text === '' || text.length > LONGEST_TEXT)
      throw new WsException(`a text of 1 to ${LONGEST_TEXT} characters`);
    const message = JSON.stringify({ event: 'said', data: { sub, text } });
    for (const client of this.server.clients) if (client.readyState === WebSocket.OPEN) client.send(message);
  }

  /** A token of another person, or a bad one, is rejected, and the connection goes on with the token that it has. */
  @SubscribeMessage('renew')
  async renew(
    @ConnectedSocket() client: WebSocket,
    @MessageBody('token') token: string,
  ): Promise<WsResponse<{ exp: number | undefined }>> {
    const { exp } = await this.connections.renew(client, token);
    return { event: 'renewed', data: { exp } };
  }
}
