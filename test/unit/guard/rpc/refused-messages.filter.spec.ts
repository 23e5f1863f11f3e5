/** Rejections that no sender hears of otherwise: gRPC calls that Nest passes through, and events. */
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { EventEmitter } from 'node:events';
import { lastValueFrom, type Observable } from 'rxjs';
import { MissingTokenError } from '../../../../lib/errors/auth.errors.js';
import { refusalFor } from '../../../../lib/errors/refusal.js';
import { answerRefused, REFUSED_MESSAGE_FILTER } from '../../../../lib/guard/rpc/refused-messages.filter.js';
import { rpcTransport } from '../../../../lib/transport/rpc.transport.js';

class Orders {
  find(): void {}
}
const hostOf = (args: unknown[]): ExecutionContextHost => {
  const host = new ExecutionContextHost(args, Orders, Orders.prototype.find);
  host.setType('rpc');
  return host;
};
class Metadata {
  readonly sent = new Map<string, unknown>();
  get = (): unknown[] => [];
  getMap = (): object => ({});
  toHttp2Headers = (): object => ({});
  set(name: string, value: unknown): void {
    this.sent.set(name, value);
  }
}
class GrpcCall extends EventEmitter {
  readonly metadata = new Metadata();
  getPeer = (): string => 'peer';
}
const refusedIn = (host: ExecutionContextHost): Error => {
  const offer = (): never => ({ schemes: ['Bearer'], presented: undefined, algs: '', scopes: [] }) as never;
  return rpcTransport.refuse(host, refusalFor(new MissingTokenError(), offer));
};

describe('answerRefused', () => {
  it.each<[string, unknown[]]>([
    ['a message', [{}, {}]],
    ['a gRPC call that is not passed through', [{}, new Metadata(), new GrpcCall()]],
    ['what has no context', [{}]],
  ])('throws what the sender of %s reads', async (_, args) => {
    const host = hostOf(args);
    const answer = answerRefused(refusedIn(host), host);
    await expect(lastValueFrom(answer)).rejects.toMatchObject({
      statusCode: 401,
      errorCode: 'missing_token',
    });
  });

  it('throws an exception of the application as it is', async () => {
    const exception = new Error('of the application');
    await expect(lastValueFrom(answerRefused(exception, hostOf([{}, {}])))).rejects.toBe(exception);
  });

  it('tells the client of a gRPC call that is passed through, and throws nothing', async () => {
    const call = new GrpcCall();
    const told: unknown[] = [];
    const host = hostOf([call, (error: unknown) => told.push(error)]);
    const answer = REFUSED_MESSAGE_FILTER.catch(refusedIn(host), host);
    await expect(lastValueFrom(answer as Observable<unknown>)).resolves.toBeUndefined();
    expect(told).toMatchObject([{ code: 16, errorCode: 'missing_token' }]);
  });
});

it('the filter catches what the guard made of a rejected message, and no other exception', () => {
  const types = Reflect.getMetadata('__filterCatchExceptions__', REFUSED_MESSAGE_FILTER.constructor) as [
    new () => unknown,
  ];
  const [caught] = types;
  expect(types).toHaveLength(1);
  expect(refusedIn(hostOf([{}, {}])) instanceof caught).toBe(true);
  for (const other of [new Error('of the application'), undefined, null, 'text'])
    expect((other as unknown) instanceof caught).toBe(false);
});
