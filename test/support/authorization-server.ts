/** An authorization server over real HTTP on a free port: discovery and keys, counted, and made to fail on request. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';
import { HeldAnswers } from './held-answers.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface ServerSettings {
  /** What stands behind the origin in the issuer's name. */
  readonly issuerPath?: string;
  /** Members that replace or (undefined) remove those of the metadata. */
  readonly metadata?: Record<string, unknown>;
}

export class AuthorizationServer {
  /** Paths asked for, in order. */
  readonly requests: string[] = [];
  keys: JWK[] = [];
  /** What the introspection endpoint says of a token; `active: false` of every other. */
  readonly introspected = new Map<string, unknown>();
  /** Parameters of the introspection requests, in order. */
  readonly introspections: URLSearchParams[] = [];
  /** How many were opened. */
  connections = 0;
  /** How long introspection takes, in milliseconds. */
  delay = 0;
  /** Answers of introspection that wait. */
  readonly #held = new HeldAnswers();
  #overrides = new Map<string, Answer>();
  readonly #awaited = new Set<() => void>();

  private constructor(
    private readonly server: Server,
    readonly origin: string,
    private readonly settings: ServerSettings,
  ) {}

  static async start(settings: ServerSettings = {}): Promise<AuthorizationServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.unref();
    const { port } = server.address() as AddressInfo;
    const self = new AuthorizationServer(server, `http://127.0.0.1:${port}`, settings);
    server.on('connection', () => self.connections++);
    server.on('request', (request, response) => self.#answer(request, response));
    return self;
  }

  get issuer(): string {
    return this.origin + (this.settings.issuerPath ?? '');
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get metadata(): Record<string, unknown> {
    return {
      issuer: this.issuer,
      jwks_uri: `${this.origin}/jwks`,
      introspection_endpoint: `${this.origin}/introspect`,
      token_endpoint: `${this.origin}/token`,
      authorization_endpoint: `${this.origin}/authorize`,
      ...this.settings.metadata,
    };
  }

  count(path: string): number {
    return this.requests.filter((each) => each === path).length;
  }

  /** Until this path was asked for so often. */
  async asked(path: string, times: number): Promise<void> {
    while (this.count(path) < times) await new Promise<void>((resolve) => this.#awaited.add(resolve));
  }

  /** Answers a path otherwise, until told to stop. */
  answer(path: string, answer: Answer): void {
    this.#overrides.set(path, answer);
  }

  /** Answers a path with a status and a body. */
  answerWith(path: string, status: number, body: string, headers: Record<string, string> = {}): void {
    this.answer(path, (_, response) => response.writeHead(status, headers).end(body));
  }

  recover(): void {
    this.#overrides.clear();
    this.#held.release();
  }

  /** Holds the next answers of introspection. @returns sends them, and holds no more */
  holdIntrospection(count?: number): () => void {
    return this.#held.hold(count);
  }

  /** Breaks every connection, as a dead host does. */
  goDown(): void {
    for (const path of ['/jwks', '/introspect', this.discoveryPath])
      this.answer(path, (_, response) => response.destroy());
  }

  get discoveryPath(): string {
    return `${(this.settings.issuerPath ?? '').replace(/\/$/, '')}/.well-known/openid-configuration`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').replace(/\?.*/, '');
    this.requests.push(path);
    for (const tell of this.#awaited) tell();
    this.#awaited.clear();
    const override = this.#overrides.get(path);
    if (override) return override(request, response);
    if (path === this.discoveryPath) return sendJson(response, this.metadata);
    if (path === '/jwks') return sendJson(response, { keys: this.keys });
    if (path === '/introspect') return this.#introspect(request, response);
    response.writeHead(404).end();
  }

  #introspect(request: IncomingMessage, response: ServerResponse): void {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const parameters = new URLSearchParams(body);
      this.introspections.push(parameters);
      const answer = this.introspected.get(parameters.get('token') ?? '') ?? { active: false };
      this.#held.send(() => void setTimeout(() => sendJson(response, answer), this.delay));
    });
  }
}

export function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
