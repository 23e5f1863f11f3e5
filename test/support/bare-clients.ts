/** Clients without a library: of Engine.IO and socket.io, and of RFC 6455. They send what no library would, and answer nothing. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { Inbox, type TestClient } from './sockets.js';

const opened = new Set<{ close(): void }>();

/** Those that a test has left open. */
export function closeBareClients(): void {
  for (const client of opened) client.close();
  opened.clear();
}

/** Engine.IO 4 over a WebSocket. Packets of socket.io arrive under the names `connected`, `connect_error`, `disconnected`. */
export class EngineClient extends Inbox implements TestClient {
  private constructor(readonly socket: WebSocket) {
    super();
    opened.add(this);
    socket.on('message', (data: Buffer) => this.#read(data.toString()));
    socket.on('close', (code) => this.end({ code }));
    socket.on('error', (error) => this.end({ message: error.message }));
  }

  /** @param path with a query, where there is one */
  static async open(
    origin: string,
    headers: Record<string, string> = {},
    path = '/socket.io/?EIO=4&transport=websocket',
  ): Promise<EngineClient> {
    const client = new EngineClient(
      new WebSocket(origin.replace('http', 'ws') + path, { headers, perMessageDeflate: false }),
    );
    await client.next('opened');
    return client;
  }

  /** An event of a namespace. */
  send(event: string, data?: unknown, namespace = ''): void {
    this.write(`42${namespace}${JSON.stringify([event, data])}`);
  }

  /** @param auth JSON, as it is to be sent */
  join(auth = '', namespace = ''): void {
    this.write(`40${namespace}${auth}`);
  }

  write(packet: string | Buffer): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(packet);
  }

  close(): void {
    this.socket.terminate();
  }

  #read(packet: string): void {
    const [, type, namespace = '', json = ''] = /^(0|2|40|41|42|44)(?:(\/[^,]*),)?(.*)$/s.exec(packet) ?? [];
    const data: unknown = json === '' ? undefined : JSON.parse(json);
    if (type === '42') {
      const [event, ...args] = data as [string, ...unknown[]];
      this.take(event, args[0]);
    } else if (type) {
      this.take(`${NAMES[type]}${namespace}`, data);
    }
  }
}

const NAMES: Readonly<Record<string, string>> = {
  0: 'opened',
  2: 'ping',
  40: 'connected',
  41: 'disconnected',
  44: 'connect_error',
};

/** The bytes of an upgrade request; `lines` stand after those that it must have. */
export function upgradeRequest(lines: readonly string[] = [], path = '/'): string {
  return [
    `GET ${path} HTTP/1.1`,
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...lines,
    '',
    '',
  ].join('\r\n');
}

const [TEXT, BINARY, CLOSE, PING] = [1, 2, 8, 9] as const;

/** RFC 6455. Answers neither a ping nor a close frame; a close frame arrives under the name `close`. */
export class FrameClient extends Inbox implements TestClient {
  /** What the server answered to the upgrade request. */
  answer = '';
  #bytes = Buffer.alloc(0);

  private constructor(readonly socket: Socket) {
    super();
    opened.add(this);
    socket.on('data', (data) => this.#read(data));
    socket.on('error', () => undefined);
    socket.on('close', () => this.end({ reason: 'hung up' }));
  }

  /** Sends the bytes, and waits for nothing. */
  static start(origin: string, ...bytes: readonly (string | Buffer)[]): FrameClient {
    const client = new FrameClient(connect(Number(new URL(origin).port), '127.0.0.1'));
    for (const each of bytes) client.socket.write(each);
    return client;
  }

  /** Resolves when the server has answered. */
  static async open(origin: string, lines: readonly string[] = [], path = '/'): Promise<FrameClient> {
    const client = FrameClient.start(origin, upgradeRequest(lines, path));
    await client.next('answer');
    return client;
  }

  send(event: string, data?: unknown): void {
    this.socket.write(frame(TEXT, JSON.stringify({ event, data })));
  }

  sendBinary(event: string, data?: unknown): void {
    this.socket.write(frame(BINARY, JSON.stringify({ event, data })));
  }

  ping(): void {
    this.socket.write(frame(PING, ''));
  }

  close(): void {
    this.socket.destroy();
  }

  #read(data: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    if (this.answer === '') {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end === -1) return;
      this.answer = this.#bytes.subarray(0, end).toString('latin1');
      this.#bytes = this.#bytes.subarray(end + 4);
      this.take('answer', this.answer);
    }
    // The server masks nothing, and sends little.
    while (this.#bytes.length >= 2) {
      const [first = 0, short = 0] = this.#bytes;
      const start = short === 126 ? 4 : 2;
      if (this.#bytes.length < start) return;
      const length = short === 126 ? this.#bytes.readUInt16BE(2) : short;
      if (this.#bytes.length < start + length) return;
      const payload = this.#bytes.subarray(start, start + length);
      this.#bytes = this.#bytes.subarray(start + length);
      this.#take(first & 15, payload);
    }
  }

  #take(opcode: number, payload: Buffer): void {
    if (opcode === CLOSE) {
      this.take('close', { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() });
    } else if (opcode === TEXT) {
      const { event, data } = JSON.parse(payload.toString()) as { event: string; data: unknown };
      this.take(event, data);
    }
  }
}

/** Final, and masked with zeros. */
export function frame(opcode: number, text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const header =
    length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | length])
      : Buffer.from([0x80 | opcode, 0xfe, length >> 8, length & 255]);
  return Buffer.concat([header, Buffer.alloc(4), payload]);
}
