/** Ends GraphQL subscriptions when the token that opened them ends. */
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { map, type Observable } from 'rxjs';
import { opensSubscription, readGraphQLCall } from '../../credentials/graphql-call.js';
import type { AuthError } from '../../errors/auth.errors.js';
import { EndableIterator, isIterable, type Source } from '../streams/endable-iterator.js';
import type { OpenStream, OpenStreams } from '../streams/open-streams.js';
import { findResolvers } from './resolvers.js';

type Subscriber = Omit<OpenStream, 'end'>;

/** Keyed by the `info` of the call, which guard and interceptor both receive. */
const admitted = new WeakMap<object, (source: Source) => Source>();

/**
 * Records the token that opens a subscription; does nothing for other calls.
 *
 * @param refuse converts the error into what the client receives
 */
export function endSubscription(
  context: ExecutionContext,
  streams: OpenStreams,
  subscriber: Subscriber,
  refuse: (error: AuthError) => Error,
): void {
  if (context.getType<string>() !== 'graphql') return;
  const call = readGraphQLCall(context.getArgs());
  if (!call || !opensSubscription(call)) return;
  admitted.set(call.info, (source) => {
    const stream: OpenStream = { ...subscriber, end: (error) => iterator.end(refuse(error)) };
    const iterator = new EndableIterator(source, () => streams.close(stream));
    streams.open(stream);
    return iterator;
  });
}

/** Applied to every `@Subscription()` handler. It has no state, because applications in one process share classes. */
class SubscriptionInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const info = readGraphQLCall(context.getArgs())?.info;
    const watch = info && admitted.get(info);
    if (!watch) return next.handle();
    return next.handle().pipe(map((result: unknown) => (isIterable(result) ? watch(result) : result)));
  }
}

const INTERCEPTOR = new SubscriptionInterceptor();
/** The metadata key of `@UseInterceptors()`, the same in Nest 11 and 12. */
const INTERCEPTORS = '__interceptors__';

/**
 * Adds the interceptor to every `@Subscription()` handler, before Nest creates the resolvers. It is the outermost of the
 * handler's own interceptors, so that none of them hides the end.
 */
export function interceptSubscriptions(modules: ModulesContainer): void {
  for (const { type, handler } of findResolvers(modules)) {
    if (type !== 'Subscription') continue;
    const present: unknown = Reflect.getOwnMetadata(INTERCEPTORS, handler);
    const others: readonly unknown[] = Array.isArray(present) ? present : [];
    if (others.includes(INTERCEPTOR)) continue;
    Reflect.defineMetadata(INTERCEPTORS, [INTERCEPTOR, ...others], handler);
  }
}
