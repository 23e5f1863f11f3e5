/** The attacks that apply to message handlers. A function of the test sends the messages, over any transport. */
import { AttackContext } from './attack-context.js';
import type { AttackRow } from './attack-row.js';
import type { Answer, Headers, Shot } from './attack-target.js';
import type { TokenOptions } from './mint.js';
import type { TestIssuer } from './test-issuer.js';

/** A message handler to attack, and a function that sends messages to it. */
export interface AttackedMessage {
  /** The pattern of the handler, for the names of the attacks. */
  readonly message: string;
  /**
   * Sends a message to the handler with these headers, which can be repeated: their names are `authorization` and `dpop`. Resolves with the
   * response, or rejects with the error of the transport's client.
   */
  readonly send: (headers: Headers) => Promise<unknown>;
  /** As for a route. @default a token without scopes and groups */
  readonly token?: TokenOptions;
  /** The handler is `@OptionalAuth()`: a message without a token is accepted. @default false */
  readonly optional?: boolean;
}

/** HTTP statuses by gRPC status code. */
const GRPC: Readonly<Record<number, number>> = { 16: 401, 7: 403, 14: 503, 13: 500 };

export function messageContext(issuer: TestIssuer, { message, token }: AttackedMessage): AttackContext {
  return new AttackContext(
    issuer,
    { path: `/${encodeURIComponent(message)}`, ...(token && { token }) },
    'http://message.invalid',
  );
}

/** Returns whether an attack applies to messages, which have no URL. */
export function isForMessages({ dpop, inUrl }: AttackRow): boolean {
  return dpop !== true && inUrl !== true;
}

/** Sends a message and returns the equivalent HTTP response: status 200 unless an error of this module is returned. */
export async function fireMessage({ send }: AttackedMessage, { headers }: Shot): Promise<Answer> {
  const lines = headers
    .filter(([name]) => name === 'Authorization' || name === 'DPoP')
    .map(([name, value]) => [name.toLowerCase(), value] as const);
  try {
    await send(lines);
    return { status: 200, headers: {}, text: '' };
  } catch (error) {
    return { status: statusIn(error), headers: {}, text: textOf(error) };
  }
}

function statusIn(error: unknown): number {
  const { statusCode, code, metadata } = (error ?? {}) as {
    readonly statusCode?: unknown;
    readonly code?: unknown;
    readonly metadata?: { get?(name: string): readonly unknown[] };
  };
  if (typeof statusCode === 'number') return statusCode;
  if (metadata?.get?.('error-code')[0] === 'invalid_request') return 400;
  const status = typeof code === 'number' ? GRPC[code] : undefined;
  // The handler was not reached, or threw: neither is a rejection.
  return status ?? 200;
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.message} ${JSON.stringify(error)}` : JSON.stringify(error);
}
