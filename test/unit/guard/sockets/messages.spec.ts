/** What stands on every gateway: the interceptor for errors, the guard of Nest 11, and how clients are told. */
import 'reflect-metadata';
import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { WsException } from '@nestjs/websockets';
import { EventEmitter } from 'node:events';
import { lastValueFrom, of, throwError, type Observable } from 'rxjs';
import { attachHandshake } from '../../../../lib/credentials/socket-handshake.js';
import { MissingTokenError } from '../../../../lib/errors/auth.errors.js';
import { refusalFor } from '../../../../lib/errors/refusal.js';
import { noChallenge } from '../../../../lib/guard/sockets/admission.js';
import { Connection } from '../../../../lib/guard/sockets/connection.js';
import {
  guardMessages,
  interceptErrors,
  sendException,
  sendRefusals,
} from '../../../../lib/guard/sockets/messages.js';
import { wsTransport } from '../../../../lib/transport/ws.transport.js';
import '../../../support/output-logger.js';

const INTERCEPTORS = '__interceptors__';
const GUARDS = '__guards__';

class TestConnection extends Connection {
  protected disconnect(): void {}
}
function makeGateway() {
  return class Chat {
    send(): void {}
  };
}
const contextOf = (args: unknown[], type = 'ws'): ExecutionContext => {
  const Chat = makeGateway();
  const context = new ExecutionContextHost(args, Chat, Chat.prototype.send);
  context.setType(type);
  return context;
};
/** As the guard makes it. */
const refusal = (): Error =>
  wsTransport.refuse(contextOf([{}]), refusalFor(new MissingTokenError(), noChallenge));

describe('interceptErrors', () => {
  const other = {};
  it('stands before the others, once', () => {
    const Chat = makeGateway();
    Reflect.defineMetadata(INTERCEPTORS, [other], Chat);
    for (let time = 0; time < 2; time++) interceptErrors(Chat);
    const interceptors = Reflect.getMetadata(INTERCEPTORS, Chat) as readonly unknown[];
    expect(interceptors).toHaveLength(2);
    expect(interceptors[1]).toBe(other);
  });

  it('turns an error of this package into what the guard throws, and no other error', async () => {
    const Chat = makeGateway();
    interceptErrors(Chat);
    const [interceptor] = Reflect.getMetadata(INTERCEPTORS, Chat) as [NestInterceptor];
    await wsTransport.prepare?.();
    const run = (result: Observable<unknown>, type?: string): Promise<unknown> => {
      const next: CallHandler = { handle: () => result };
      return lastValueFrom(interceptor.intercept(contextOf([{}, {}], type), next) as Observable<unknown>);
    };
    const error = new MissingTokenError();
    const thrown = throwError(() => error);
    await expect(run(thrown)).rejects.toBeInstanceOf(WsException);
    await expect(run(thrown)).rejects.toMatchObject({ cause: error, error: { statusCode: 401 } });
    await expect(run(thrown, 'http')).rejects.toBe(error);
    const own = new Error('of the application');
    await expect(run(throwError(() => own))).rejects.toBe(own);
    await expect(run(of('answer'))).resolves.toBe('answer');
  });
});

describe('guardMessages', () => {
  it('asks the guard of its application before the others, and that of no other application', () => {
    const Chat = makeGateway();
    const other: CanActivate = { canActivate: () => true };
    Reflect.defineMetadata(GUARDS, [other], Chat);
    const asked: unknown[] = [];
    const application = {};
    guardMessages(Chat, application, () => ({ canActivate: (context) => asked.push(context) > 5 }));
    const guards = Reflect.getMetadata(GUARDS, Chat) as [CanActivate, CanActivate];
    expect(guards).toHaveLength(2);
    expect(guards[1]).toBe(other);
    const clientOf = (place?: object): object => {
      const client = {};
      if (place) attachHandshake(client, new TestConnection(place as never, { headers: {} }, { kind: 'ws' }));
      return client;
    };
    const [own, none, foreign] = [clientOf({ application }), clientOf(), clientOf({ application: {} })].map(
      (client) => contextOf([client, {}]),
    ) as [ExecutionContext, ExecutionContext, ExecutionContext];
    expect(guards[0].canActivate(own)).toBe(false);
    expect(guards[0].canActivate(none)).toBe(false);
    expect(guards[0].canActivate(foreign)).toBe(true);
    expect(asked).toEqual([own, none]);
  });
});

describe('a client', () => {
  const told = { status: 'error', statusCode: 401, message: 'unauthorized', errorCode: 'missing_token' };

  it('of socket.io is told by an event', () => {
    const sent: unknown[] = [];
    sendException({ emit: (...event: unknown[]) => sent.push(event) }, refusal());
    expect(sent).toEqual([['exception', told]]);
  });

  it('of ws is told by a message', () => {
    const sent: string[] = [];
    sendException({ readyState: 1, send: (data: string) => sent.push(data) }, refusal());
    expect(sent.map((data) => JSON.parse(data) as unknown)).toEqual([{ event: 'exception', data: told }]);
  });

  it('is told nothing of an exception that says nothing', () => {
    const sent: unknown[] = [];
    sendException({ emit: (...event: unknown[]) => sent.push(event) }, new Error('of the application'));
    expect(sent).toEqual([['exception', undefined]]);
  });

  it('of ws on Nest 11 is sent our refusals, and no exception of the application', () => {
    const sent: string[] = [];
    const client = Object.assign(new EventEmitter(), { send: (data: string) => sent.push(data) });
    sendRefusals(client);
    client.emit('exception', { status: 'error', message: 'of the application' });
    expect(sent).toEqual([]);
    client.emit('exception', (refusal() as Error & { getError(): unknown }).getError());
    expect(sent.map((data) => JSON.parse(data) as unknown)).toEqual([{ event: 'exception', data: told }]);
  });
});
