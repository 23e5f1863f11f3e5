/** A client of the gateway, with the subprotocols that a browser uses. What it receives, in one line each. */
import { WebSocket } from 'ws';

export const CHAT_URL = 'ws://localhost:4071/chat';

export class ChatClient {
  readonly #received: string[] = [];
  #wake = (): void => undefined;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => this.#take(describe(data.toString())));
    socket.on('close', (code, reason) => this.#take(`closed: ${code} ${reason.toString()}`));
    socket.on('error', (error) => this.#take(error.message));
  }

  static open(token?: string): ChatClient {
    return new ChatClient(new WebSocket(CHAT_URL, token === undefined ? [] : ['bearer', token]));
  }

  /** Connected, and welcome. */
  static async join(token: string): Promise<ChatClient> {
    const client = ChatClient.open(token);
    const first = await client.next();
    if (!first.startsWith('welcome')) throw new Error(first);
    return client;
  }

  send(event: string, data: unknown): void {
    this.socket.send(JSON.stringify({ event, data }));
  }

  /** The next message, or how the connection has been closed. */
  async next(): Promise<string> {
    for (;;) {
      const line = this.#received.shift();
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    this.socket.close();
  }

  #take(line: string): void {
    this.#received.push(line);
    this.#wake();
  }
}

interface Message {
  readonly event: string;
  readonly data: {
    readonly sub?: string;
    readonly text?: string;
    readonly statusCode?: number;
    readonly errorCode?: string;
  };
}

function describe(json: string): string {
  const { event, data } = JSON.parse(json) as Message;
  const parts = [data.sub, data.text, data.statusCode, data.errorCode].filter((part) => part !== undefined);
  return [event, ...parts].join(' ');
}
