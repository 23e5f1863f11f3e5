/** Stands before a server and keeps every byte that it answers. Can be told to wait, to lie and to be a cut wire. */
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Exchange {
  readonly method: string;
  readonly path: string;
  /** Of the request. */
  readonly form: URLSearchParams;
  /** Status, headers and body of the answer, as they went out. */
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

export class RecordingProxy {
  readonly exchanges: Exchange[] = [];
  /** Requests that came in, answered or not. */
  started = 0;
  /** Nobody gets through. */
  cut = false;
  /** Awaited before a request goes on. */
  hold: (path: string) => Promise<void> = async () => undefined;
  /** What is answered instead. */
  rewrite: (path: string, body: string) => string = (_path, body) => body;

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {}

  /** @param target the port of the server behind it */
  static async start(target: number): Promise<RecordingProxy> {
    const server = createServer();
    const proxy = new RecordingProxy(server, target);
    server.on('request', (incoming, answer) => {
      proxy.#forward(incoming, answer).catch(() => answer.destroy());
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return proxy;
  }

  get origin(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  /** Neither waits nor lies nor is cut any more. */
  pass(): void {
    this.cut = false;
    this.hold = async () => undefined;
    this.rewrite = (_path, body) => body;
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.server.close(done));
    this.server.closeAllConnections();
    await closed;
  }

  async #forward(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    this.started += 1;
    if (this.cut) throw new Error('cut');
    const { method = '', url: path = '' } = incoming;
    const sent = await readAll(incoming);
    await this.hold(path);

    // Uncompressed: what is kept is what is searched.
    const { 'accept-encoding': _, ...headers } = incoming.headers;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ host: '127.0.0.1', port: this.target, method, path, headers }, resolve)
        .once('error', reject)
        .end(sent);
    });
    const received = await readAll(response);
    const isText = !/image|font/.test(response.headers['content-type'] ?? '');
    const body = isText ? Buffer.from(this.rewrite(path, received.toString())) : received;

    const status = response.statusCode ?? 0;
    const { 'transfer-encoding': _chunked, ...kept } = response.headers;
    this.exchanges.push({
      method,
      path,
      form: new URLSearchParams(sent.toString()),
      status,
      headers: response.rawHeaders.join('\n'),
      body: body.toString(),
    });
    answer.writeHead(status, { ...kept, 'content-length': body.length });
    answer.end(method === 'HEAD' ? undefined : body);
  }
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}
