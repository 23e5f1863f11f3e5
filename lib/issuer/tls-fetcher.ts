/** `fetch` with certificates. Node's own takes none; undici's, which it is made from, does. Loaded only where it is needed. */
import { createSecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { ConfigurationError } from '../errors/auth.errors.js';
import { reasonOf } from './provider-answer.js';
import type { Fetcher } from './provider-client.js';

interface Certificates {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

type Undici = typeof import('undici');

export class TlsFetcher {
  #loaded: Promise<{ readonly undici: Undici; readonly dispatcher: Dispatcher }> | undefined;

  constructor(private readonly certificates: Certificates) {}

  /** @throws {ConfigurationError} for certificates that Node cannot read: asking again would not help */
  readonly fetch: Fetcher = async (url, init) => {
    const { undici, dispatcher } = await (this.#loaded ??= this.#load());
    // Its types speak of its own Request and Response, which are those of Node's fetch.
    return undici.fetch(url, { ...init, dispatcher } as never) as unknown as Promise<Response>;
  };

  /** Ends the connections that are kept for later calls. */
  async close(): Promise<void> {
    const loaded = await this.#loaded?.catch(() => undefined);
    await loaded?.dispatcher.destroy();
  }

  async #load(): Promise<{ readonly undici: Undici; readonly dispatcher: Dispatcher }> {
    const undici = await import('undici');
    const tls = Object.fromEntries(
      Object.entries(this.certificates).filter(([, value]) => value !== undefined),
    );
    try {
      createSecureContext(tls);
    } catch (cause) {
      const options = 'cert' in tls ? 'clientCertificate, clientCertificateKey' : 'providerCa';
      throw new ConfigurationError(`${options}: ${reasonOf(cause)}`);
    }
    return { undici, dispatcher: makeDispatcher(undici, tls) };
  }
}

function makeDispatcher(undici: Undici, tls: object): Dispatcher {
  if (!usesProxyOfEnvironment()) return new undici.Agent({ connect: tls });
  try {
    // `connect` where NO_PROXY applies; `requestTls` behind the proxy, whose own certificate is checked as ever.
    return new undici.EnvHttpProxyAgent({ connect: tls, requestTls: tls });
  } catch {
    // The reason may quote the address, which may hold a password.
    throw new ConfigurationError('HTTP_PROXY, HTTPS_PROXY: not the address of a proxy');
  }
}

/** As Node's own `fetch` decides it where it knows these settings, from version 22.21 and 24 on. */
function usesProxyOfEnvironment(): boolean {
  const { NODE_USE_ENV_PROXY, NODE_OPTIONS = '' } = process.env;
  return (
    NODE_USE_ENV_PROXY === '1' ||
    [...process.execArgv, ...NODE_OPTIONS.split(' ')].includes('--use-env-proxy')
  );
}
