/** Has the guard decide on a client that asks to connect. */
import type { CanActivate } from '@nestjs/common';
import { isObservable, lastValueFrom } from 'rxjs';
import { attachHandshake } from '../../credentials/socket-handshake.js';
import type { Offer } from '../../errors/challenge.js';
import { isSocketRefusal, wsTransport, type SocketRefusal } from '../../transport/ws.transport.js';
import { HandshakeContext } from './handshake.js';
import type { Connection } from './connection.js';
import type { Place } from './places.js';

/** What the servers of both packages do with clients. */
export interface Admissions {
  readonly place: Place;
  refusalOf(connection: Connection, client: object): Promise<SocketRefusal | undefined>;
  opened(client: object, connection: Connection): void;
  closed(connection: Connection): void;
  /** Something was thrown that is no refusal. */
  failed(error: unknown): void;
}

/**
 * Asks the guard, or what a test has put in its place.
 *
 * @param client carries what the guard finds out; the client itself, or what stands for it until there is one
 * @returns `undefined` where it is let in
 */
export async function refusalOf(
  guard: CanActivate,
  connection: Connection,
  client: object,
): Promise<SocketRefusal | undefined> {
  attachHandshake(client, connection);
  try {
    await wsTransport.prepare?.();
    const answer = guard.canActivate(new HandshakeContext(connection.place, client));
    const isAdmitted = isObservable(answer) ? await lastValueFrom(answer) : await answer;
    return isAdmitted ? undefined : refusalFor(403);
  } catch (error) {
    return refusalIn(error);
  } finally {
    connection.forgetRequest();
  }
}

function refusalIn(error: unknown): SocketRefusal {
  const { getError, getStatus } = error as {
    readonly getError?: unknown;
    readonly getStatus?: unknown;
  };
  const refusal: unknown = typeof getError === 'function' ? getError.call(error) : undefined;
  if (isSocketRefusal(refusal)) return refusal;
  const status: unknown = typeof getStatus === 'function' ? getStatus.call(error) : undefined;
  return refusalFor(status === 400 || status === 401 || status === 403 || status === 503 ? status : 500);
}

/** Of a guard that a test has put in the place of ours. */
function refusalFor(statusCode: SocketRefusal['statusCode']): SocketRefusal {
  return { status: 'error', statusCode, ...ANSWERS[statusCode] };
}

const ANSWERS = {
  400: { message: 'bad request', errorCode: 'invalid_request' },
  401: { message: 'unauthorized', errorCode: 'invalid_token' },
  403: { message: 'forbidden', errorCode: 'insufficient_scope' },
  500: { message: 'internal server error', errorCode: 'server_error' },
  503: { message: 'service unavailable', errorCode: 'temporarily_unavailable' },
} as const;

/** What the guard found out of a stand-in is found on the client. */
export function adopt(client: object, standIn: object): void {
  Object.assign(client, standIn);
}

/** No header goes with a message. */
export const noChallenge = (): Offer => ({
  schemes: [],
  presented: undefined,
  algs: '',
  scopes: [],
  resourceMetadata: undefined,
});
