/** GraphQL applications by driver and platform, and clients for HTTP and for graphql-transport-ws. */
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import type { DynamicModule } from '@nestjs/common';
import { GraphQLModule, type GqlModuleOptions } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { WebSocket } from 'ws';
import type { Platform, TestApp } from './app.js';
import type { Answer, Call } from './http.js';

export type Driver = 'Apollo' | 'Mercurius';

export interface Stack {
  readonly driver: Driver;
  readonly platform: Platform;
}

export const STACKS: readonly (Stack & { readonly name: string })[] = [
  { name: 'Apollo on Express', driver: 'Apollo', platform: 'Express' },
  { name: 'Apollo on Fastify', driver: 'Apollo', platform: 'Fastify' },
  { name: 'Mercurius on Fastify', driver: 'Mercurius', platform: 'Fastify' },
];

/** With subscriptions over graphql-transport-ws, and batching. */
export function graphqlModule(driver: Driver, options: Partial<GqlModuleOptions> = {}): DynamicModule {
  if (driver === 'Apollo') {
    return GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      autoSchemaFile: true,
      graphiql: false,
      allowBatchedHttpRequests: true,
      csrfPrevention: false,
      includeStacktraceInErrorResponses: false,
      subscriptions: { 'graphql-ws': true },
      ...(options as ApolloDriverConfig),
    });
  }
  return GraphQLModule.forRoot<MercuriusDriverConfig>({
    driver: MercuriusDriver,
    autoSchemaFile: true,
    graphiql: false,
    allowBatchedQueries: true,
    subscription: true,
    ...(options as MercuriusDriverConfig),
  });
}

export interface GraphQLErrorLike {
  readonly message: string;
  readonly path?: readonly string[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

export interface GraphQLAnswer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly GraphQLErrorLike[];
}

export type Posted = Answer & { readonly body: GraphQLAnswer };

export async function post(
  app: TestApp,
  query: string,
  headers: Call['headers'] = {},
  variables?: unknown,
): Promise<Posted> {
  return (await postBody(app, { query, variables }, headers)) as Posted;
}

export function postBody(app: TestApp, body: unknown, headers: Call['headers'] = {}): Promise<Answer> {
  const text = JSON.stringify(body);
  const given = (Array.isArray(headers) ? headers : Object.entries(headers)) as readonly (readonly [
    string,
    string,
  ])[];
  return app.send('/graphql', {
    method: 'POST',
    headers: [
      ...given,
      ['content-type', 'application/json'],
      ['content-length', String(Buffer.byteLength(text))],
    ],
    body: text,
  });
}

export interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A client of graphql-transport-ws that sends exactly what it is told. */
export class SocketClient {
  readonly #received: Message[] = [];
  readonly #waiting = new Set<() => void>();
  #closed: { readonly code: number } | undefined;
  #nextId = 1;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.#received.push(JSON.parse(data.toString()) as Message);
      for (const wake of this.#waiting) wake();
    });
    socket.on('close', (code) => {
      this.#closed = { code };
      for (const wake of this.#waiting) wake();
    });
  }

  static async open(
    app: TestApp,
    headers: Record<string, string> = {},
    path = '/graphql',
  ): Promise<SocketClient> {
    const socket = new WebSocket(app.origin.replace('http', 'ws') + path, 'graphql-transport-ws', {
      headers,
    });
    const client = new SocketClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
    });
    return client;
  }

  /** Opened, initialised and acknowledged. */
  static async connect(
    app: TestApp,
    params?: unknown,
    headers?: Record<string, string>,
  ): Promise<SocketClient> {
    const client = await SocketClient.open(app, headers);
    client.send({ type: 'connection_init', ...(params !== undefined && { payload: params }) });
    await client.next(({ type }) => type === 'connection_ack');
    return client;
  }

  get closeCode(): number | undefined {
    return this.#closed?.code;
  }

  send(message: Message): void {
    this.socket.send(JSON.stringify(message));
  }

  subscribe(query: string): string {
    const id = String(this.#nextId++);
    this.send({ type: 'subscribe', id, payload: { query } });
    return id;
  }

  /** What the server says of an operation: its first message, or the first of these types. */
  answerTo(id: string, ...types: string[]): Promise<Message> {
    return this.next((message) => message.id === id && (types.length === 0 || types.includes(message.type)));
  }

  /** Takes the first message that fits. */
  async next(fits: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const index = this.#received.findIndex(fits);
      if (index !== -1) return this.#received.splice(index, 1)[0] as Message;
      if (this.#closed) throw new Error(`closed with ${this.#closed.code}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  async whenClosed(): Promise<number> {
    while (!this.#closed) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
    return this.#closed.code;
  }

  close(): void {
    this.socket.terminate();
  }
}
