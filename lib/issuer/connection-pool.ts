/**
 * Sends requests over its own connections with undici, which costs less than Node's `fetch` (built on undici) and supports
 * certificates, which `fetch` does not. undici is loaded only if it is needed.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { createSecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { ConfigurationError } from '../errors/auth.errors.js';
import type { Cancellation } from '../timing/cancellation.js';
import { BodyReader, reasonOf, type ProviderAnswer } from './provider-answer.js';

interface Certificates {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

type Undici = typeof import('undici/index.js');

/** The maximum number of connections to one origin. Requests beyond it wait for a free connection. */
const MAX_CONNECTIONS = 256;

/**
 * Headers of requests that `fetch` does not send. Responses are requested uncompressed. Web application firewalls (the common
 * rules of AWS WAF) reject a request without `User-Agent`; this value is the one of Node's `fetch`.
 */
export const DIRECT_HEADERS = { 'accept-encoding': 'identity', 'user-agent': 'node' };

export class ConnectionPool {
  #dispatcher: Promise<Dispatcher> | undefined;
  /** The last URL, because nearly all requests have the same one. */
  #address = { url: '', origin: '', path: '' };

  constructor(private readonly certificates: Certificates = {}) {}

  /**
   * Sends one request and returns the whole response, with any status. Does not follow redirects. Has no timeout of its own:
   * the cancellation ends the request.
   *
   * @throws {ConfigurationError} for certificates that Node cannot read: a retry would not help
   */
  async send(
    url: string,
    { method = 'GET', headers, body }: RequestInit,
    cancellation: Cancellation,
  ): Promise<ProviderAnswer> {
    const dispatcher = await (this.#dispatcher ??= this.#load());
    const { origin, path } = this.#addressOf(url);
    return new Promise((resolve, reject) => {
      dispatcher.dispatch(
        {
          origin,
          path,
          method: method as Dispatcher.HttpMethod,
          headers: { ...DIRECT_HEADERS, ...plainHeaders(headers) },
          body: body === undefined || body === null ? null : String(body as string | URLSearchParams),
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        new AnswerHandler(url, cancellation, resolve, reject),
      );
    });
  }

  #addressOf(url: string): { readonly origin: string; readonly path: string } {
    if (this.#address.url !== url) {
      const { origin, pathname, search } = new URL(url);
      this.#address = { url, origin, path: pathname + search };
    }
    return this.#address;
  }

  /** Closes the connections that are kept for later requests. */
  async close(): Promise<void> {
    const dispatcher = await this.#dispatcher?.catch(() => undefined);
    await dispatcher?.destroy();
  }

  async #load(): Promise<Dispatcher> {
    // Imported by its file: Bun replaces the bare name with a stand-in that sends nothing.
    const undici = await import('undici/index.js');
    const tls = Object.fromEntries(
      Object.entries(this.certificates).filter(([, value]) => value !== undefined),
    );
    try {
      createSecureContext(tls);
    } catch (cause) {
      const options = 'cert' in tls ? 'clientCertificate, clientCertificateKey' : 'providerCa';
      throw new ConfigurationError(`${options}: ${reasonOf(cause)}`);
    }
    return makeDispatcher(undici, tls);
  }
}

class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #body = new BodyReader();
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #controller: Dispatcher.DispatchController | undefined;

  constructor(
    private readonly url: string,
    private readonly cancellation: Cancellation,
    private readonly resolve: (answer: ProviderAnswer) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    // Also rejects a request that still waits for a connection.
    cancellation.onCancel((reason) => {
      reject(reason);
      this.#controller?.abort(reason);
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    const { reason } = this.cancellation;
    if (reason) controller.abort(reason);
  }

  onResponseStart(_: unknown, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    try {
      this.#body.add(chunk);
    } catch (error) {
      controller.abort(error as Error);
    }
  }

  onResponseEnd(): void {
    const headers = this.#headers;
    try {
      this.resolve({
        url: this.url,
        status: this.#status,
        headers: { get: (name) => [headers[name] ?? null].flat()[0] ?? null },
        body: this.#body.text(headers['content-encoding']),
      });
    } catch (error) {
      this.reject(error);
    }
  }

  onResponseError(_: unknown, error: Error): void {
    this.reject(error);
  }
}

function plainHeaders(headers: RequestInit['headers']): Record<string, string> {
  return headers instanceof Headers || Array.isArray(headers)
    ? Object.fromEntries(headers)
    : (headers as Record<string, string>);
}

function makeDispatcher(undici: Undici, tls: object): Dispatcher {
  const connections = { connections: MAX_CONNECTIONS };
  if (!usesProxyOfEnvironment()) return new undici.Agent({ ...connections, connect: tls });
  try {
    // `connect` applies to hosts in NO_PROXY, `requestTls` behind the proxy. The proxy's own certificate is checked as usual.
    return new undici.EnvHttpProxyAgent({ ...connections, connect: tls, requestTls: tls });
  } catch {
    // The reason is not reported, because it may quote the URL, which may contain a password.
    throw new ConfigurationError('HTTP_PROXY, HTTPS_PROXY: not the URL of a proxy');
  }
}

const PROXY_FLAG = '--use-env-proxy';
const HAS_PROXY_FLAG = process.execArgv.includes(PROXY_FLAG);

/** Uses the same settings as Node's own `fetch`, which supports them from version 22.21 and 24 on. */
function usesProxyOfEnvironment(): boolean {
  const { NODE_USE_ENV_PROXY, NODE_OPTIONS = '' } = process.env;
  if (NODE_USE_ENV_PROXY === '1' || HAS_PROXY_FLAG) return true;
  return NODE_OPTIONS.includes(PROXY_FLAG) && NODE_OPTIONS.split(' ').includes(PROXY_FLAG);
}

const NODES_FETCH = globalThis.fetch;
/** Where undici, also Node's own, stores the dispatcher of `fetch`: https://undici.nodejs.org/#/docs/api/GlobalInstallation */
const GLOBAL_DISPATCHER = Symbol.for('undici.globalDispatcher.1');

/**
 * Returns whether the application has changed where `fetch` sends its requests: replaced `fetch`, enabled the proxy of the
 * environment, or set a dispatcher (a proxy, a certificate authority, a mock). A dispatcher that is not recognised as Node's
 * own counts as changed. A `fetch` that was replaced before this module was loaded is not detected.
 */
export function isFetchChanged(): boolean {
  if (globalThis.fetch !== NODES_FETCH || usesProxyOfEnvironment()) return true;
  const dispatcher = (globalThis as Record<symbol, unknown>)[GLOBAL_DISPATCHER];
  return dispatcher !== undefined && !isDefaultAgent(dispatcher as Dispatcher);
}

/** The last agent that was found to be created without options. */
let defaultAgent: Dispatcher | undefined;

/** Returns whether the dispatcher is an `Agent` that was created without options: no interceptors, no factory, no settings. */
function isDefaultAgent(dispatcher: Dispatcher): boolean {
  const prototype = Object.getPrototypeOf(dispatcher) as Dispatcher | null;
  if (prototype?.constructor.name !== 'Agent' || dispatcher.dispatch !== prototype.dispatch) return false;
  if (dispatcher === defaultAgent) return true;
  const own = (name: string): unknown => {
    const symbol = Object.getOwnPropertySymbols(dispatcher).find(({ description }) => description === name);
    return symbol && (dispatcher as unknown as Record<symbol, unknown>)[symbol];
  };
  const [options, factory] = [own('options'), own('factory')];
  if (typeof options !== 'object' || options === null || typeof factory !== 'function') return false;
  const isSet = (value: unknown): boolean => value !== undefined && value !== Infinity && value !== 0;
  if (factory.name !== 'defaultFactory' || Object.values(options).some(isSet)) return false;
  defaultAgent = dispatcher;
  return true;
}
