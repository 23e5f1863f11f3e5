/** Replies of message handlers end with the token of the message, whatever the handler and the sender do. */
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { EventEmitter } from 'node:events';
import { NEVER, Observable, of, Subject } from 'rxjs';
import { invalidToken, type AuthError } from '../../../../lib/errors/auth.errors.js';
import { endReply, refuseCall, REPLY_INTERCEPTOR } from '../../../../lib/guard/rpc/streamed-replies.js';
import { OpenStreams } from '../../../../lib/guard/streams/open-streams.js';

class Orders {
  find(): void {}
}
const ENDED = invalidToken('revoked', 'for the test');

function contextOf(args: unknown[], type = 'rpc'): ExecutionContext {
  const context = new ExecutionContextHost(args, Orders, Orders.prototype.find);
  context.setType(type);
  return context;
}

class Metadata {
  get = (): unknown[] => [];
  getMap = (): object => ({});
  toHttp2Headers = (): object => ({});
}
class GrpcCall extends EventEmitter {
  readonly metadata = new Metadata();
  cancelled = false;
  getPeer = (): string => 'peer';
}

describe('a reply', () => {
  let streams: OpenStreams;
  beforeEach(() => (streams = new OpenStreams({ clockSkew: 0, clockTolerance: 0 })));
  afterEach(() => streams.onModuleDestroy());

  const SENDER = {
    issuer: 'https://issuer.example',
    claims: { sub: 'user-1' },
    endsAt: 0,
    position: -1,
  } as never;
  const admit = (context: ExecutionContext): void =>
    endReply(context, streams, SENDER, (error: AuthError) => new Error('told', { cause: error }));
  const intercept = (context: ExecutionContext, replies: Observable<unknown>): Observable<unknown> =>
    REPLY_INTERCEPTOR.intercept(context, {
      handle: () => replies,
    } satisfies CallHandler) as Observable<unknown>;
  const end = (): void => streams.endAll(() => true, ENDED);

  /** What a subscriber hears. */
  function listen(replies: Observable<unknown>) {
    const heard: unknown[] = [];
    const subscription = replies.subscribe({
      next: (value) => heard.push(value),
      error: (error: Error) => heard.push([error.message, error.cause]),
      complete: () => heard.push('complete'),
    });
    return { heard, subscription };
  }

  it('goes on until the token ends, and then with nothing but the error', () => {
    const context = contextOf([{}, {}]);
    const source = new Subject<string>();
    admit(context);
    const { heard } = listen(intercept(context, source));
    expect(streams.size).toBe(1);
    source.next('first');
    end();
    source.next('second');
    expect(heard).toEqual(['first', ['told', ENDED]]);
    expect(source.observed).toBe(false);
    expect(streams.size).toBe(0);
  });

  it('is closed when it is over, or when nobody listens any more', () => {
    const [first, second] = [contextOf([{}, {}]), contextOf([{}, {}])];
    for (const context of [first, second]) admit(context);
    const { heard } = listen(intercept(first, of('all')));
    expect(heard).toEqual(['all', 'complete']);
    expect(streams.size).toBe(0);
    const { subscription } = listen(intercept(second, NEVER));
    expect(streams.size).toBe(1);
    subscription.unsubscribe();
    expect(streams.size).toBe(0);
  });

  it('is left alone where the guard has admitted nothing, or no message', () => {
    const replies = of('all');
    expect(intercept(contextOf([{}, {}]), replies)).toBe(replies);
    const http = contextOf([{}, {}], 'http');
    admit(http);
    expect(intercept(http, replies)).toBe(replies);
  });

  it('is that of a call without a context, too', () => {
    const context = contextOf([{}]);
    admit(context);
    listen(intercept(context, NEVER));
    expect(streams.size).toBe(1);
  });

  it('is watched once, where the interceptor stands on a class and on its base class', () => {
    const context = contextOf([{}, {}]);
    admit(context);
    const inner = intercept(context, NEVER);
    expect(intercept(context, inner)).toBe(inner);
  });

  it('has the messages of the client end silently, too', () => {
    const messages = Object.assign(new Subject<string>(), { drainBuffer: () => 'drained' });
    const args: unknown[] = [messages, new Metadata(), new GrpcCall()];
    const context = contextOf(args);
    admit(context);
    listen(intercept(context, NEVER));
    const guarded = args[0] as typeof messages;
    expect(guarded).not.toBe(messages);
    expect(guarded.drainBuffer).toBe(messages.drainBuffer);
    const { heard } = listen(guarded);
    messages.next('first');
    end();
    messages.next('second');
    messages.complete();
    expect(heard).toEqual(['first']);
  });

  it.each<[string, (messages: Subject<string>) => void, unknown]>([
    ['completion', (messages) => messages.complete(), 'complete'],
    ['error', (messages) => messages.error(new Error('cut')), ['cut', undefined]],
  ])('hands over the %s of the messages before the token ends, and not after', (_, spoil, told) => {
    for (const [isEnded, expected] of [
      [false, [told]],
      [true, []],
    ] as const) {
      const messages = new Subject<string>();
      const args: unknown[] = [messages, {}];
      const context = contextOf(args);
      admit(context);
      listen(intercept(context, NEVER));
      const { heard } = listen(args[0] as Observable<unknown>);
      if (isEnded) end();
      spoil(messages);
      expect(heard).toEqual(expected);
    }
  });

  it('leaves a payload as it is', () => {
    const args: unknown[] = [{ id: 1 }, {}];
    const context = contextOf(args);
    admit(context);
    listen(intercept(context, NEVER));
    expect(args[0]).toEqual({ id: 1 });
  });

  describe('of a gRPC call that is passed through', () => {
    it('ends by the callback', () => {
      const call = new GrpcCall();
      const told: unknown[] = [];
      const data: unknown[] = [];
      call.on('data', (each) => data.push(each));
      admit(contextOf([call, (error: Error) => told.push(error.cause)]));
      expect(streams.size).toBe(1);
      end();
      call.emit('data', 'late');
      expect([told, data]).toEqual([[ENDED], []]);
    });

    it('ends by an error of the call, where there is no callback', () => {
      const call = new GrpcCall();
      const told: unknown[] = [];
      call.on('error', (error: Error) => told.push(error.cause));
      admit(contextOf([call]));
      end();
      expect(told).toEqual([ENDED]);
    });

    it.each(['cancelled', 'close'])('is over when it is %s', (event) => {
      const call = new GrpcCall();
      admit(contextOf([call]));
      expect(streams.size).toBe(1);
      call.emit(event);
      expect(streams.size).toBe(0);
      expect(() => end()).not.toThrow();
    });

    it('is not watched where it was cancelled while the guard waited', () => {
      const call = new GrpcCall();
      call.cancelled = true;
      admit(contextOf([call]));
      expect(streams.size).toBe(0);
    });

    it('is intercepted by nobody', () => {
      const context = contextOf([new GrpcCall()]);
      admit(context);
      expect(intercept(context, NEVER)).toBe(NEVER);
    });
  });
});

it('refuseCall leaves an error of the application as it is', () => {
  const error = new Error('of the application');
  const told: unknown[] = [];
  refuseCall(new GrpcCall() as never, { callback: (each) => told.push(each) }, error);
  expect(told).toEqual([error]);
});
