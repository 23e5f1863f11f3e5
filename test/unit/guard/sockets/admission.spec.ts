/** What becomes of a client that asks to connect: whatever the guard says, or throws. */
import { ForbiddenException, HttpException } from '@nestjs/common';
import { of, EMPTY } from 'rxjs';
import { handshakeOf } from '../../../../lib/credentials/socket-handshake.js';
import { MissingTokenError } from '../../../../lib/errors/auth.errors.js';
import { refusalFor } from '../../../../lib/errors/refusal.js';
import { adopt, noChallenge, refusalOf } from '../../../../lib/guard/sockets/admission.js';
import { Connection } from '../../../../lib/guard/sockets/connection.js';
import { HandshakeContext } from '../../../../lib/guard/sockets/handshake.js';
import { wsTransport } from '../../../../lib/transport/ws.transport.js';

class TestConnection extends Connection {
  protected disconnect(): void {}
}
class Chat {}

const FORBIDDEN = { status: 'error', statusCode: 403, message: 'forbidden', errorCode: 'insufficient_scope' };
const INTERNAL = {
  status: 'error',
  statusCode: 500,
  message: 'internal server error',
  errorCode: 'server_error',
};

describe('refusalOf', () => {
  const client = {};
  const connectionTo = (): TestConnection =>
    new TestConnection(
      { metatype: Chat, keepsRequest: false } as never,
      { headers: { host: 'a' } },
      { kind: 'ws' },
    );
  const ask = (canActivate: (context: never) => unknown, connection = connectionTo()): Promise<unknown> =>
    refusalOf({ canActivate: canActivate as never }, connection, client);
  const throwing = (error: unknown) => (): never => {
    throw error;
  };

  it('asks the guard about the client, which carries the handshake then', async () => {
    const connection = connectionTo();
    const asked: unknown[] = [];
    const refusal = await ask((context: HandshakeContext) => {
      asked.push(context, context.getArgs(), handshakeOf(client));
      return true;
    }, connection);
    expect(refusal).toBeUndefined();
    expect(asked).toEqual([expect.any(HandshakeContext), [client], connection]);
  });

  it.each<[string, () => unknown, unknown]>([
    ['true', () => true, undefined],
    ['true, later', () => Promise.resolve(true), undefined],
    ['true, as an observable', () => of(false, true), undefined],
    ['false', () => false, FORBIDDEN],
    ['false, later', () => Promise.resolve(false), FORBIDDEN],
    ['false, as an observable', () => of(true, false), FORBIDDEN],
    ['nothing', () => undefined, FORBIDDEN],
    ['nothing, as an observable', () => EMPTY, INTERNAL],
  ])('a guard that says %s', async (_, answer, expected) => {
    expect(await ask(answer)).toEqual(expected);
  });

  it('tells the client what our guard threw', async () => {
    const host = new HandshakeContext({ metatype: Chat } as never, {});
    const exception = wsTransport.refuse(host, refusalFor(new MissingTokenError(), noChallenge));
    expect(await ask(throwing(exception))).toEqual({
      status: 'error',
      statusCode: 401,
      message: 'unauthorized',
      errorCode: 'missing_token',
    });
  });

  it.each<[unknown, number, string, string]>([
    [new HttpException('of the application', 400), 400, 'bad request', 'invalid_request'],
    [new HttpException('of the application', 401), 401, 'unauthorized', 'invalid_token'],
    [new ForbiddenException('of the application'), 403, 'forbidden', 'insufficient_scope'],
    [new HttpException('of the application', 503), 503, 'service unavailable', 'temporarily_unavailable'],
  ])('tells it no more than the status of %s', async (error, statusCode, message, errorCode) => {
    expect(await ask(throwing(error))).toEqual({ status: 'error', statusCode, message, errorCode });
    const later = async (): Promise<never> => throwing(error)();
    expect(await ask(later)).toMatchObject({ statusCode });
  });

  it.each<[string, unknown]>([
    ['of another status', new HttpException('of the application', 418)],
    ['of no status', new Error('of the application')],
    ['that only looks like ours', { getError: () => ({ status: 'error', statusCode: 200 }) }],
    ['whose status is no method', { getStatus: 401, getError: 'none' }],
    ['that is a text', 'text'],
  ])('rejects it as a fault of this server for an error %s', async (_, error) => {
    expect(await ask(throwing(error))).toEqual(INTERNAL);
  });

  it('forgets the request, however it went', async () => {
    for (const answer of [() => true, () => false, throwing(new Error('of the application'))]) {
      const connection = connectionTo();
      await ask(answer, connection);
      expect(connection.request.headers).toEqual({});
    }
  });
});

it('a client takes over what was found out of its stand-in', () => {
  const found = Symbol('found');
  const client: Record<symbol, unknown> = {};
  adopt(client, { [found]: 1 });
  expect(client[found]).toBe(1);
});

it('no challenge goes with a message', () => {
  expect(noChallenge()).toEqual({
    schemes: [],
    presented: undefined,
    algs: '',
    scopes: [],
    resourceMetadata: undefined,
  });
});
