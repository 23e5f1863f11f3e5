/** Has replies of message handlers end with the token of the message: streams of any transport, and both directions of gRPC's. */
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { isObservable, Observable } from 'rxjs';
import { readMessageCall, type GrpcCall } from '../../credentials/message-call.js';
import type { AuthError } from '../../errors/auth.errors.js';
import { rpcErrorOf } from '../../transport/rpc.transport.js';
import type { OpenStream, OpenStreams } from '../streams/open-streams.js';

type Sender = Omit<OpenStream, 'end'>;
type Open = (end: (error: Error) => void) => { close(): void };

/** By the arguments of the call, which are those of the guard and those of the interceptor. */
const admitted = new WeakMap<object, Open>();

/**
 * Remembers whose token a reply is for; does nothing for another kind of call.
 *
 * @param refuse turns the error into what the sender is told
 */
export function endReply(
  context: ExecutionContext,
  streams: OpenStreams,
  sender: Sender,
  refuse: (error: AuthError) => Error,
): void {
  if (context.getType<string>() !== 'rpc') return;
  const args = context.getArgs();
  const open: Open = (end) => {
    const stream: OpenStream = { ...sender, end: (error) => end(refuse(error)) };
    streams.open(stream);
    return { close: () => streams.close(stream) };
  };
  const grpc = readMessageCall(args)?.grpc;
  if (grpc?.call && grpc.passedThrough) endCall(grpc.call, grpc.passedThrough, open);
  else admitted.set(args, open);
}

/** Stands on every `@MessagePattern()` handler, or on its class, and has no state: applications of one process share classes. */
class ReplyInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const args = context.getArgs<unknown[]>();
    const open = admitted.get(args);
    // Once: it may stand on a class and on what that extends.
    admitted.delete(args);
    return open ? endable(args, next, open) : next.handle();
  }
}

export const REPLY_INTERCEPTOR: NestInterceptor = new ReplyInterceptor();

function endable(args: unknown[], next: CallHandler, open: Open): Observable<unknown> {
  return new Observable((replies) => {
    const requests = silenceable(args);
    const stream = open((error) => {
      requests?.silence();
      replies.error(error);
    });
    replies.add(() => stream.close());
    replies.add(next.handle().subscribe(replies));
  });
}

/**
 * The messages of a gRPC client's stream, so that none reaches the handler after the end. No error and no completion does
 * either: an error would end the process where the handler subscribes without an error callback, and a completion would
 * make a whole upload of half of one.
 */
function silenceable(args: unknown[]): { silence(): void } | undefined {
  const [messages] = args as [undefined | (Observable<unknown> & { readonly drainBuffer?: unknown })];
  if (!isObservable(messages)) return undefined;
  let isSilent = false;
  const guarded = new Observable((subscriber) =>
    messages.subscribe({
      next: (value) => isSilent || subscriber.next(value),
      error: (error) => isSilent || subscriber.error(error),
      complete: () => isSilent || subscriber.complete(),
    }),
  );
  // `@GrpcStreamMethod()` calls it when the handler has subscribed.
  args[0] = Object.assign(guarded, { drainBuffer: messages.drainBuffer });
  return { silence: () => (isSilent = true) };
}

type PassedThrough = NonNullable<NonNullable<ReturnType<typeof readMessageCall>>['grpc']>['passedThrough'];

function endCall(call: GrpcCall, passedThrough: NonNullable<PassedThrough>, open: Open): void {
  // While the guard waited: nothing tells of it any more.
  if (call.cancelled === true) return;
  const stream = open((error) => {
    call.removeAllListeners('data');
    refuseCall(call, passedThrough, error);
  });
  call.once('cancelled', () => stream.close());
  call.once('close', () => stream.close());
}

/** Answers a call that Nest has passed through. */
export function refuseCall(call: GrpcCall, { callback }: NonNullable<PassedThrough>, error: Error): void {
  // What `@grpc/grpc-js` reads stands on the error itself.
  const status = Object.assign(error, rpcErrorOf(error));
  if (callback) callback(status);
  else call.emit('error', status);
}
