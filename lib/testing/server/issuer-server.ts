/** The HTTP server of {@link TestIssuer}: metadata, keys, introspection and revocation. RFC 8414, RFC 7662, RFC 7009. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';
import type { TokenEndpoint } from './token-endpoint.js';

/** One request that the issuer has received. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
}

export interface Client {
  readonly id: string;
  readonly secret: string;
}

const DISCOVERY = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];
const MAX_FORM_LENGTH = 100_000;
/** A development issuer runs for days. The oldest entries are removed first; a removed token is inactive. */
const MAX_RECORDED_REQUESTS = 100_000;
const MAX_ACTIVE_TOKENS = 100_000;

export class IssuerServer {
  readonly requests: RecordedRequest[] = [];
  keys: readonly JWK[] = [];
  /** Keys that this server hosts, but the issuer does not use. */
  strangersKeys: readonly JWK[] = [];
  /** `undefined`: `/token` responds with 404. */
  tokenEndpoint: TokenEndpoint | undefined;
  /** The claims of each active token. */
  readonly #active = new Map<string, Readonly<Record<string, unknown>>>();
  /** `undefined`: no outage. A number: the status of every response. `broken`: every connection breaks. */
  outage: number | 'broken' | undefined;

  private constructor(
    private readonly server: Server,
    readonly origin: string,
    /** The client that may introspect and revoke tokens. */
    readonly client: Client,
  ) {}

  static async start(client: Client, port: number): Promise<IssuerServer> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    // A test that fails before it closes the server must not keep the process alive.
    server.unref();
    const address = server.address() as AddressInfo;
    const self = new IssuerServer(server, `http://127.0.0.1:${address.port}`, client);
    server.on('request', (request, response) => {
      // A client that disconnects while it sends its form must not crash the process.
      self.#answer(request, response).catch(() => response.destroy());
    });
    return self;
  }

  /** Makes introspection report this token as active. */
  activate(token: string, claims: Readonly<Record<string, unknown>>): void {
    this.#active.set(token, claims);
    if (this.#active.size <= MAX_ACTIVE_TOKENS) return;
    const [oldest] = this.#active.keys();
    if (oldest !== undefined) this.#active.delete(oldest);
  }

  deactivate(token: string): void {
    this.#active.delete(token);
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const path = url.replace(/\?.*/s, '');
    if (this.requests.push({ method, path }) > MAX_RECORDED_REQUESTS) this.requests.shift();
    if (this.outage === 'broken') return void response.destroy();
    if (this.outage !== undefined) return void response.writeHead(this.outage).end();
    if (method === 'GET' && DISCOVERY.includes(path)) return sendJson(response, 200, this.#metadata);
    if (method === 'GET' && path === '/jwks') return sendJson(response, 200, { keys: this.keys });
    if (method === 'GET' && path === '/stranger/jwks')
      return sendJson(response, 200, { keys: this.strangersKeys });
    if (path === '/token' && this.tokenEndpoint) {
      if (method === 'POST') return this.#issue(request, response, this.tokenEndpoint);
      response.writeHead(405, { Allow: 'POST', 'Content-Type': 'text/plain' });
      return void response.end('Tokens are issued to POST requests (RFC 6749 section 3.2).\n');
    }
    if (method !== 'POST' || (path !== '/introspect' && path !== '/revoke'))
      return void response.writeHead(404).end();

    const form = await readForm(request);
    if (!this.#knows(request, form)) {
      response.setHeader('WWW-Authenticate', 'Basic');
      return sendJson(response, 401, { error: 'invalid_client' });
    }
    const token = form.get('token');
    if (token === null) return sendJson(response, 400, { error: 'invalid_request' });
    if (path === '/introspect') return sendJson(response, 200, this.#introspect(token));
    // RFC 7009 section 2.2: 200 also for an unknown token.
    this.#active.delete(token);
    response.writeHead(200).end();
  }

  get #metadata(): Record<string, unknown> {
    const methods = ['client_secret_basic', 'client_secret_post'];
    return {
      issuer: this.origin,
      jwks_uri: `${this.origin}/jwks`,
      authorization_endpoint: `${this.origin}/authorize`,
      token_endpoint: `${this.origin}/token`,
      response_types_supported: ['code'],
      introspection_endpoint: `${this.origin}/introspect`,
      introspection_endpoint_auth_methods_supported: methods,
      revocation_endpoint: `${this.origin}/revoke`,
      revocation_endpoint_auth_methods_supported: methods,
      ...(this.tokenEndpoint && {
        grant_types_supported: ['client_credentials'],
        token_endpoint_auth_methods_supported: ['none', ...methods],
      }),
    };
  }

  async #issue(request: IncomingMessage, response: ServerResponse, endpoint: TokenEndpoint): Promise<void> {
    const form = await readForm(request);
    const { status, type, body } = endpoint.answer(request.headers, form, presentedClient(request, form).id);
    // RFC 6749 section 5.1.
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
  }

  #introspect(token: string): Record<string, unknown> {
    const claims = this.#active.get(token);
    const { exp } = claims ?? {};
    if (!claims || (typeof exp === 'number' && exp * 1000 <= Date.now())) return { active: false };
    return { active: true, ...claims };
  }

  #knows(request: IncomingMessage, form: URLSearchParams): boolean {
    const { id, secret } = presentedClient(request, form);
    return id === this.client.id && secret === this.client.secret;
  }
}

interface PresentedClient {
  readonly id: string | null;
  readonly secret: string | null;
}

function presentedClient(
  { headers: { authorization } }: IncomingMessage,
  form: URLSearchParams,
): PresentedClient {
  if (authorization) return readBasic(authorization);
  return { id: form.get('client_id'), secret: form.get('client_secret') };
}

/** Reads Basic credentials. Client id and secret are each form-encoded first (RFC 6749 section 2.3.1). */
function readBasic(authorization: string): PresentedClient {
  const [, encoded = ''] = /^Basic (.+)$/i.exec(authorization) ?? [];
  const [id = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':');
  const form = new URLSearchParams(`id=${id}&secret=${rest.join(':')}`);
  return { id: form.get('id'), secret: form.get('secret') };
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > MAX_FORM_LENGTH) return new URLSearchParams();
  }
  return new URLSearchParams(body);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
