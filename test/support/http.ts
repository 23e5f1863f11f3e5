/** A request with exactly these headers, in this order, repeated ones too. */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { collect } from './no-secrets-in-output.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: unknown;
}

export interface Call {
  readonly method?: string;
  /** A list of pairs sends repeated headers. */
  readonly headers?: Record<string, string> | readonly (readonly [string, string])[];
  readonly body?: string;
}

/** As clients do: a connection for each request would cost the floods more than all the rest. */
const agent = new Agent({
  keepAlive: true,
  // A server of Node.js keeps 511 connections waiting. Of more at the same moment, some are reset on a busy machine.
  maxSockets: 500,
});

export function send(url: string, call: Call = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = call;
  const list = Array.isArray(headers) ? headers.flat() : Object.entries(headers).flat();
  // Node keeps the first Host of several: a test that sends its own sends no other.
  const ownHost = list.some((each, i) => i % 2 === 0 && String(each).toLowerCase() === 'host');
  return new Promise((resolve, reject) => {
    const { host } = new URL(url);
    const outgoing = httpRequest(
      url,
      { method, headers: [...(ownHost ? [] : ['Host', host]), ...list] as never, agent },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if ((incoming.statusCode ?? 0) >= 400) collect(incoming.headers, text);
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, body: parse(text) });
        });
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The server closed a kept connection while the request was on its way: it has not read it.
      if (outgoing.reusedSocket && error.code === 'ECONNRESET') resolve(send(url, call));
      else reject(error);
    });
    outgoing.end(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
