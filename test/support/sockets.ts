/** Applications with gateways on socket.io and on ws, and clients that note what they receive. */
import type { INestApplication, Type } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import type { AuthModuleOptions } from 'nestjs-resource-server';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { WebSocket, type ClientOptions } from 'ws';
import { bootApp, type AppSettings, type Platform, type TestApp } from './app.js';

export type Library = 'socket.io' | 'ws';
export const LIBRARIES: readonly Library[] = ['socket.io', 'ws'];
export const SOCKET_STACKS: readonly { readonly library: Library; readonly platform: Platform }[] = [
  { library: 'socket.io', platform: 'Express' },
  { library: 'socket.io', platform: 'Fastify' },
  { library: 'ws', platform: 'Express' },
  { library: 'ws', platform: 'Fastify' },
];

export interface SocketSettings extends Partial<AppSettings> {
  readonly gateways: readonly Type[];
}

export function bootGateways(
  library: Library,
  options: AuthModuleOptions | undefined,
  { gateways, providers = [], beforeListening, ...settings }: SocketSettings,
): Promise<TestApp> {
  return bootApp(options, {
    platform: 'Express',
    controllers: [],
    ...settings,
    providers: [...gateways, ...providers],
    beforeListening: async (nest) => {
      await beforeListening?.(nest);
      useAdapter(nest, library);
    },
  });
}

function useAdapter(nest: INestApplication, library: Library): void {
  const { config } = nest as unknown as { readonly config: { getIoAdapter(): unknown } };
  if (config.getIoAdapter()) return;
  nest.useWebSocketAdapter(library === 'ws' ? new WsAdapter(nest) : new IoAdapter(nest));
}

export interface Refused {
  /** `ws`: the close code. */
  readonly code?: number;
  readonly reason?: string;
  /** socket.io: what `connect_error` brings. */
  readonly message?: string;
  readonly data?: unknown;
}

/** A client of either library; what it received is there to be looked at. */
export interface TestClient {
  readonly received: readonly { readonly event: string; readonly data: unknown }[];
  /** How it ended, if it has. */
  readonly ended: Refused | undefined;
  send(event: string, data?: unknown): void;
  /** The first event of this name that was not taken yet. */
  next(event: string): Promise<unknown>;
  whenEnded(): Promise<Refused>;
  close(): void;
}

/** How a client presents a token. */
export interface Presented {
  readonly headers?: Record<string, string>;
  /** socket.io. */
  readonly auth?: Record<string, unknown>;
  /** ws. */
  readonly protocols?: readonly string[];
  /** `?a=b` */
  readonly query?: string;
}

export const bearer = (token: string): Presented => ({ headers: { authorization: `Bearer ${token}` } });

const opened = new Set<TestClient>();

/** Those that a test has left open. */
export function closeClients(): void {
  for (const client of opened) client.close();
  opened.clear();
}

/** Resolves when the client is connected; or when it was refused, with `ended` set. */
export async function connect(
  library: Library,
  origin: string,
  presented: Presented = {},
  place: { readonly path?: string; readonly namespace?: string } = {},
): Promise<TestClient> {
  const client =
    library === 'ws'
      ? await WsTestClient.open(origin, presented, place.path)
      : await IoTestClient.open(origin, presented, place);
  opened.add(client);
  return client;
}

export class Inbox {
  readonly received: { readonly event: string; readonly data: unknown }[] = [];
  ended: Refused | undefined;
  readonly #taken = new Set<object>();
  readonly #waiting = new Set<() => void>();

  take(event: string, data: unknown): void {
    this.received.push({ event, data });
    this.#wake();
  }

  end(how: Refused): void {
    this.ended ??= how;
    this.#wake();
  }

  async next(event: string): Promise<unknown> {
    for (;;) {
      const found = this.received.find((each) => each.event === event && !this.#taken.has(each));
      if (found) {
        this.#taken.add(found);
        return found.data;
      }
      if (this.ended) throw new Error(`ended with ${JSON.stringify(this.ended)}, and no ${event} came`);
      await this.#change();
    }
  }

  async whenEnded(): Promise<Refused> {
    while (!this.ended) await this.#change();
    return this.ended;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
    });
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

export class WsTestClient extends Inbox implements TestClient {
  constructor(readonly socket: WebSocket) {
    super();
    socket.on('message', (text: Buffer) => {
      const { event, data } = JSON.parse(text.toString()) as { event: string; data: unknown };
      this.take(event, data);
    });
    socket.on('close', (code, reason) => this.end({ code, reason: reason.toString() }));
    socket.on('error', (error) => this.end({ message: error.message }));
  }

  static async open(
    origin: string,
    { headers = {}, protocols = [], query = '' }: Presented,
    path = '/',
    options: ClientOptions = {},
  ): Promise<WsTestClient> {
    const socket = new WebSocket(origin.replace('http', 'ws') + path + query, [...protocols], {
      headers,
      rejectUnauthorized: false,
      ...options,
    });
    const client = new WsTestClient(socket);
    // Refused is who is closed: the upgrade succeeds either way. What is answered to a ping is open.
    await Promise.race([
      client.whenEnded(),
      new Promise<void>((resolve) => {
        socket.once('pong', () => resolve());
        socket.once('open', () => socket.ping());
      }),
    ]);
    return client;
  }

  send(event: string, data?: unknown): void {
    this.socket.send(JSON.stringify({ event, data }));
  }

  close(): void {
    this.socket.terminate();
  }
}

export class IoTestClient extends Inbox implements TestClient {
  constructor(readonly socket: Socket) {
    super();
    socket.onAny((event: string, data: unknown) => this.take(event, data));
    socket.on('connect_error', (error) =>
      this.end({ message: error.message, data: (error as { readonly data?: unknown }).data }),
    );
    socket.on('disconnect', (reason) => this.end({ reason }));
  }

  static async open(
    origin: string,
    { headers = {}, auth = {}, query = '' }: Presented,
    { path, namespace = '' }: { readonly path?: string; readonly namespace?: string },
    options: Partial<ManagerOptions & SocketOptions> = {},
  ): Promise<IoTestClient> {
    const socket = io(origin + namespace + query, {
      transports: ['websocket'],
      extraHeaders: headers,
      auth,
      forceNew: true,
      reconnection: false,
      rejectUnauthorized: false,
      ...(path !== undefined && { path }),
      ...options,
    });
    const client = new IoTestClient(socket);
    await Promise.race([
      client.whenEnded(),
      new Promise<void>((resolve) => void socket.once('connect', () => resolve())),
    ]);
    return client;
  }

  send(event: string, data?: unknown): void {
    this.socket.emit(event, data);
  }

  close(): void {
    this.socket.disconnect();
  }
}

/** What the server says to a refused client, in the words of either library. */
export function refusedWith(
  library: Library,
  statusCode: number,
  message: string,
  errorCode: string,
): Refused {
  if (library === 'socket.io') return { message, data: { statusCode, message, errorCode } };
  const code = statusCode === 503 ? 1013 : statusCode === 500 ? 1011 : 1008;
  const reason = code !== 1008 ? message : statusCode === 403 ? 'forbidden' : 'unauthorized';
  return { code, reason };
}
