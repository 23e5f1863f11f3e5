/** Subscriptions end with the token that they were opened with. */
import 'reflect-metadata';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { lastValueFrom, of, type Observable } from 'rxjs';
import { invalidToken, type AuthError } from '../../../../lib/errors/auth.errors.js';
import {
  endSubscription,
  interceptSubscriptions,
} from '../../../../lib/guard/graphql/subscription.interceptor.js';
import { OpenStreams } from '../../../../lib/guard/streams/open-streams.js';

const INTERCEPTORS = '__interceptors__';
const TYPE = 'graphql:resolver_type';
const OTHER = { intercept: (_: unknown, next: CallHandler) => next.handle() } satisfies NestInterceptor;

function makeResolver() {
  class Orders {
    placed(): void {}
    paid(): void {}
    orders(): void {}
  }
  Reflect.defineMetadata(TYPE, 'Subscription', Orders.prototype.placed);
  Reflect.defineMetadata(TYPE, 'Subscription', Orders.prototype.paid);
  Reflect.defineMetadata(TYPE, 'Query', Orders.prototype.orders);
  Reflect.defineMetadata(INTERCEPTORS, [OTHER], Orders.prototype.paid);
  return Orders;
}
function intercepted(Resolver = makeResolver()) {
  const providers = new Map([['', { metatype: Resolver, instance: new Resolver() }]]);
  interceptSubscriptions(new Map([['', { providers }]]) as unknown as ModulesContainer);
  const on = (method: 'placed' | 'paid' | 'orders') =>
    Reflect.getMetadata(INTERCEPTORS, Resolver.prototype[method]) as readonly NestInterceptor[] | undefined;
  return { Resolver, on };
}

it('the interceptor stands on subscriptions only, before their own, once', () => {
  const { Resolver, on } = intercepted();
  intercepted(Resolver);
  expect(on('placed')).toHaveLength(1);
  expect(on('paid')).toEqual([...(on('placed') ?? []), OTHER]);
  expect(on('orders')).toBeUndefined();
});

describe('a subscription', () => {
  let streams: OpenStreams;
  beforeEach(() => (streams = new OpenStreams({ clockSkew: 0, clockTolerance: 0 })));
  afterEach(() => streams.onModuleDestroy());

  const ENDED = invalidToken('revoked', 'for the test');
  const SUBSCRIBER = {
    issuer: 'https://issuer.example',
    claims: { sub: 'user-1' },
    endsAt: 0,
    position: -1,
  } as never;
  const { Resolver, on } = intercepted();
  const contextOf = (operation = 'subscription', prev?: unknown, type = 'graphql'): ExecutionContext => {
    const info = { fieldNodes: [], fieldName: 'placed', operation: { operation }, path: { prev } };
    const context = new ExecutionContextHost([{}, {}, {}, info], Resolver, Resolver.prototype.placed);
    context.setType(type);
    return context;
  };
  const admit = (context: ExecutionContext): void =>
    endSubscription(context, streams, SUBSCRIBER, (error: AuthError) => new Error('told', { cause: error }));
  const run = (context: ExecutionContext, result: unknown): Promise<unknown> =>
    lastValueFrom(on('placed')?.[0]?.intercept(context, { handle: () => of(result) }) as Observable<unknown>);
  async function* events(): AsyncGenerator<string> {
    yield 'first';
    await new Promise(() => undefined);
  }

  it('ends with the token', async () => {
    const context = contextOf();
    admit(context);
    const iterator = (await run(context, events())) as AsyncIterator<unknown>;
    expect(streams.size).toBe(1);
    expect(await iterator.next()).toEqual({ done: false, value: 'first' });
    const next = iterator.next();
    streams.endAll(() => true, ENDED);
    await expect(next).rejects.toMatchObject({ message: 'told', cause: ENDED });
  });

  it('is closed when the client leaves', async () => {
    const context = contextOf();
    admit(context);
    const source = { next: () => Promise.resolve({ done: false, value: 1 }) };
    const iterator = (await run(context, source)) as AsyncIterator<unknown>;
    expect(streams.size).toBe(1);
    await iterator.return?.();
    expect(streams.size).toBe(0);
  });

  it('is left alone where it is none that the guard has admitted', async () => {
    const source = events();
    const contexts = [
      contextOf(),
      contextOf('query'),
      contextOf('subscription', {}),
      contextOf('subscription', undefined, 'http'),
    ];
    for (const context of contexts.slice(1)) admit(context);
    for (const context of contexts) expect(await run(context, source)).toBe(source);
    const noCall = new ExecutionContextHost([{}, {}], Resolver, Resolver.prototype.placed);
    noCall.setType('graphql');
    expect(() => admit(noCall)).not.toThrow();
    expect(await run(noCall, source)).toBe(source);
    expect(streams.size).toBe(0);
  });

  it('that streams nothing has nothing to end', async () => {
    const context = contextOf();
    admit(context);
    for (const result of ['text', null, {}]) expect(await run(context, result)).toBe(result);
    expect(streams.size).toBe(0);
  });
});
