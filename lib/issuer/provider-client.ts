/** Sends requests to the authorization server, with limits on time and size, and only to safe URLs. */
import { Agent as HttpAgent, get as getByHttp, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, get as getByHttps } from 'node:https';
import { setImmediate } from 'node:timers/promises';
import { ConfigurationError } from '../errors/auth.errors.js';
import { Cancellation } from '../timing/cancellation.js';
import { DeadlineError, withDeadline } from '../timing/deadline.js';
import { ConnectionPool, DIRECT_HEADERS, isFetchChanged } from './connection-pool.js';
import { checkAddress, type OwnAddresses } from './provider-address.js';
import { observeCall, type ProviderOperation } from './provider-call.js';
import {
  BodyReader,
  causeOf,
  readAnswer,
  reasonOf,
  refuseUnlessAnswered,
  unavailable,
  withoutQuery,
  type ProviderAnswer,
} from './provider-answer.js';
import { isObject } from '../jose/strict-json.js';

/** `fetch`, or a function with its signature. The response is trusted. */
export type Fetcher = (url: string, init: RequestInit) => Promise<Response>;

/** Sends a request and reads the response. */
type Send = (url: string, init: RequestInit, cancellation: Cancellation) => Promise<ProviderAnswer>;

export interface ProviderClientOptions {
  /**
   * Makes every call to the authorization server, for example through a proxy.
   *
   * @default `fetch`. If the application has changed neither `fetch` nor where it sends requests, introspection calls use
   * connections of this module, at most 256 to an address, and metadata and keys are fetched by `node:http` or `node:https`,
   * because the first `fetch` of a process delays its start. Calls with certificates always use connections of this module
   */
  readonly fetcher?: Fetcher | undefined;
  /**
   * The maximum time for one response of the authorization server, including its body, in seconds.
   *
   * @default 10
   */
  readonly responseTimeout: number;
  /**
   * Accept `http:` for hosts that are not loopback hosts. For test networks only: keys can be forged in
   * transit.
   *
   * Without it, metadata may contain `http:` URLs on a loopback host only if the issuer is on a loopback host.
   *
   * @default false
   */
  readonly allowInsecureRequests: boolean;
  /**
   * The provider's certificate authority: PEM, or the path of a file. With `NODE_USE_ENV_PROXY=1`, calls
   * still use the proxy of the environment.
   *
   * @default the authorities that Node.js trusts
   */
  readonly providerCa?: string | undefined;
  /** For `tls_client_auth` and `self_signed_tls_client_auth`, the client's certificate: PEM, or the path of a file. */
  readonly clientCertificate?: string | undefined;
  /** The key of `clientCertificate`: PEM, or the path of a file. */
  readonly clientCertificateKey?: string | undefined;
}

const MAX_REDIRECTS = 3;
/** Keeps idle connections as long as `fetch` does, so that no connection is used that a firewall has dropped. */
const KEPT_ALIVE = { keepAlive: true, maxFreeSockets: 1, timeout: 4000 };

export class ProviderClient {
  #pool: ConnectionPool | undefined;
  #poolWithCertificate: ConnectionPool | undefined;
  readonly #agents: Agents = { http: new HttpAgent(KEPT_ALIVE), https: new HttpsAgent(KEPT_ALIVE) };
  /** The calls in progress. */
  readonly #underWay = new Map<Cancellation, Promise<unknown>>();
  /** The last URL that was checked, because nearly all calls have the same one. */
  #checkedAddress: string | undefined;
  #isClosed = false;

  /** @param options the options, with the name of the issuer for events */
  constructor(private readonly options: ProviderClientOptions & OwnAddresses & { readonly name?: string }) {}

  /**
   * Fetches a JSON object. Follows redirects within the origin; ignores content types, because providers set wrong ones.
   *
   * @returns `undefined` for a 404
   * @throws {ProviderUnavailableError} without a usable response in time: network, 5xx, 429, no JSON object, too large
   * @throws {ConfigurationError} for any other response: a retry would not help
   */
  async getObject(operation: ProviderOperation, url: string): Promise<Record<string, unknown> | undefined> {
    const answer = await this.#follow(operation, url);
    const { status, body } = answer;
    if (status === 404) return undefined;
    refuseUnlessAnswered(answer);
    if (status !== 200) throw new ConfigurationError(`${withoutQuery(url)} answered ${status}`);
    let document: unknown;
    try {
      document = JSON.parse(body);
    } catch (cause) {
      throw unavailable(url, 'did not answer with JSON', { cause });
    }
    if (!isObject(document)) throw unavailable(url, 'did not answer with a JSON object');
    return document;
  }

  async #follow(operation: ProviderOperation, first: string): Promise<ProviderAnswer> {
    let url = first;
    for (let redirects = 0; ; redirects++) {
      const answer = await this.send(operation, url, { method: 'GET' });
      const location = answer.status >= 300 && answer.status < 400 ? answer.headers.get('location') : null;
      if (location === null) return answer;
      if (!URL.canParse(location, url)) throw unavailable(first, 'redirects to an invalid URL');
      const next = new URL(location, url);
      if (next.origin !== new URL(first).origin || redirects === MAX_REDIRECTS) {
        throw new ConfigurationError(
          `${withoutQuery(first)} redirects to ${withoutQuery(next.href)}: not followed`,
        );
      }
      url = next.href;
    }
  }

  /** Sends one request and returns the whole response, with any status. Does not follow redirects. */
  async send(
    operation: ProviderOperation,
    url: string,
    init: RequestInit,
    { presentCertificate = false } = {},
  ): Promise<ProviderAnswer> {
    if (url !== this.#checkedAddress) checkAddress(url, this.options);
    this.#checkedAddress = url;
    const { issuer, name = issuer } = this.options;
    const sendBy = this.#senderFor(init, presentCertificate);
    const call = new Cancellation();
    const answer = observeCall(operation, name, () => this.#exchange(sendBy, url, init, call), isTimeout);
    this.#underWay.set(call, answer);
    try {
      return await answer;
    } catch (cause) {
      if (cause instanceof ConfigurationError) throw cause;
      throw unavailable(url, reasonOf(cause), { cause: causeOf(cause) });
    } finally {
      this.#underWay.delete(call);
    }
  }

  #exchange(sendBy: Send, url: string, init: RequestInit, call: Cancellation): Promise<ProviderAnswer> {
    if (this.#isClosed) return Promise.reject(isClosing());
    const work = (): Promise<ProviderAnswer> =>
      sendBy(url, { headers: { accept: 'application/json' }, ...init }, call);
    return withDeadline(this.options.responseTimeout, work, (late) => call.cancel(late));
  }

  /** Aborts the calls in progress and closes idle connections. Later calls fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const calls = [...this.#underWay];
    for (const [call] of calls) call.cancel(isClosing());
    await Promise.allSettled(calls.map(([, answer]) => answer));
    await Promise.all([this.#pool?.close(), this.#poolWithCertificate?.close()]);
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  #senderFor({ method }: RequestInit, presentCertificate: boolean): Send {
    const { fetcher, providerCa: ca, clientCertificate: cert, clientCertificateKey: key } = this.options;
    if (fetcher) return sendByFetch(fetcher);
    if (presentCertificate) {
      const pool = (this.#poolWithCertificate ??= new ConnectionPool({ ca, cert, key }));
      return (...request) => pool.send(...request);
    }
    if (ca === undefined && isFetchChanged()) return sendByFetch(fetch);
    // Documents are fetched rarely. Loading the pool or `fetch` for them would delay the start of the application.
    if (ca === undefined && method !== 'POST') return sendByHttp(this.#agents);
    const pool = (this.#pool ??= new ConnectionPool({ ca }));
    return (...request) => pool.send(...request);
  }
}

const sendByFetch =
  (fetcher: Fetcher): Send =>
  (url, init, { signal }) => {
    const exchange = async (): Promise<ProviderAnswer> => {
      const answer = await readAnswer(url, await fetcher(url, { redirect: 'manual', ...init, signal }));
      // `fetch` can reuse the connection only then. The request for the keys would otherwise open another, with its handshake.
      await setImmediate();
      return answer;
    };
    // A custom fetcher may ignore the signal.
    return Promise.race([exchange(), rejectionBy(signal)]);
  };

interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

const sendByHttp =
  ({ http, https }: Agents): Send =>
  (url, { headers }, { signal }) => {
    const options = { headers: { ...DIRECT_HEADERS, ...(headers as Record<string, string>) }, signal };
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => reject(signal.aborted ? (signal.reason as Error) : error);
      const read = (response: IncomingMessage): void => {
        readResponse(url, response).then(resolve, fail);
      };
      const call = url.startsWith('https:')
        ? getByHttps(url, { ...options, agent: https }, read)
        : getByHttp(url, { ...options, agent: http }, read);
      call.on('error', fail);
    });
  };

async function readResponse(url: string, response: IncomingMessage): Promise<ProviderAnswer> {
  const body = new BodyReader();
  // An error in the loop closes the connection.
  for await (const chunk of response) body.add(chunk as Buffer);
  const { statusCode = 0, headers } = response;
  return {
    url,
    status: statusCode,
    headers: { get: (name) => [headers[name] ?? null].flat()[0] ?? null },
    body: body.text(headers['content-encoding']),
  };
}

function rejectionBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

const isClosing = (): Error => new Error('the application is closing');
const isTimeout = (error: unknown): boolean => error instanceof DeadlineError;
