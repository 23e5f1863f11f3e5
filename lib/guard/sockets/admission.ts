/** Runs the guard for a client that requests a connection. */
import type { CanActivate } from '@nestjs/common';
import { isObservable, lastValueFrom } from 'rxjs';
import { attachHandshake } from '../../credentials/socket-handshake.js';
import type { Offer } from '../../errors/challenge.js';
import { isSocketRefusal, wsTransport, type SocketRefusal } from '../../transport/ws.transport.js';
import { HandshakeContext } from './handshake.js';
import type { Connection } from './connection.js';
import type { Place } from './places.js';

/** The callbacks by which the servers of socket.io and `ws` admit clients. */
export interface Admissions {
  readonly place: Place;
  refusalOf(connection: Connection, client: object): Promise<SocketRefusal | undefined>;
  opened(client: object, connection: Connection): void;
  closed(connection: Connection): void;
  /** Reports an exception that is not a rejection. */
  failed(error: unknown): void;
}

/**
 * Runs the guard, or the guard with which a test has replaced it.
 *
 * @param client the object to which the guard attaches its results: the client, or a stand-in until the client exists
 * @returns `undefined` if the client is admitted
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

/** Returns the rejection for a guard with which a test has replaced AuthGuard. */
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

/** Copies the results of the guard from the stand-in to the client. */
export function adopt(client: object, standIn: object): void {
  Object.assign(client, standIn);
}

/** Messages have no headers, so there is no challenge. */
export const noChallenge = (): Offer => ({
  schemes: [],
  presented: undefined,
  algs: '',
  scopes: [],
  resourceMetadata: undefined,
});
