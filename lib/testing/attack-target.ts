/** Finds the address of the application under attack, and sends requests to it without normalizing them. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';

/** The part of a Nest application that is used. */
export interface ListeningApplication {
  getHttpServer(): unknown;
  listen(port: number, hostname: string): Promise<unknown>;
}

/**
 * The origin of a running application (`http://127.0.0.1:3000`), or a Nest application, which need not listen yet.
 */
export type AttackTarget = string | ListeningApplication;

export type Headers = readonly (readonly [name: string, value: string])[];

export interface Shot {
  readonly url: string;
  /** Sent unchanged instead of the path of `url`: URL parsers would remove dot segments. */
  readonly path?: string;
  readonly method: string;
  /** Sent in this order, including repeated headers. */
  readonly headers: Headers;
  readonly body?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Listening {
  readonly listening?: boolean;
  address(): AddressInfo | string | null;
}

const PATIENCE = 10_000;
/** How long to wait for data on an accepted WebSocket, in milliseconds. */
const SILENCE = 500;
/** Concurrent attacks share one call of `listen()`. */
const starting = new WeakMap<object, Promise<unknown>>();

export async function originOf(target: AttackTarget): Promise<string> {
  if (typeof target === 'string') return new URL(target).origin;
  const server = target.getHttpServer() as Listening;
  if (server.listening !== true) {
    let start = starting.get(target);
    if (!start) starting.set(target, (start = target.listen(0, '127.0.0.1')));
    await start;
  }
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new TypeError('attackSuite: the application does not listen on a port');
  return `${'setSecureContext' in server ? 'https' : 'http'}://${hostOf(address)}:${address.port}`;
}

function hostOf({ address, family }: AddressInfo): string {
  if (address === '::' || address === '0.0.0.0') return 'localhost';
  return family === 'IPv6' ? `[${address}]` : address;
}

/** Sends a request on its own connection, so that none stays open. */
export function fire({ url, path, method, headers, body }: Shot): Promise<Answer> {
  const { host, protocol } = new URL(url);
  const request = protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      // Node.js sends a flat list unchanged; its types allow only objects.
      {
        ...(path !== undefined && { path }),
        method,
        headers: ['Host', host, ...headers.flat()] as never,
        agent: false,
        timeout: PATIENCE,
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.on('upgrade', (incoming, socket, head) => {
      const finish = (text: string): void => {
        socket.destroy();
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
      };
      socket.on('error', () => finish(''));
      if (head.length > 0) return finish(head.toString('latin1'));
      // The server may send nothing on an accepted connection.
      const timer = setTimeout(() => finish(''), SILENCE);
      socket.once('data', (frame: Buffer) => {
        clearTimeout(timer);
        finish(frame.toString('latin1'));
      });
      return undefined;
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${PATIENCE / 1000} s`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
