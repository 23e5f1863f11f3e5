/** Ends streamed replies when the token of the message ends, on every transport; for gRPC streams, in both directions. */
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { isObservable, Observable } from 'rxjs';
import { readMessageCall, type GrpcCall } from '../../credentials/message-call.js';
import type { AuthError } from '../../errors/auth.errors.js';
import { rpcErrorOf } from '../../transport/rpc.transport.js';
import type { OpenStream, OpenStreams } from '../streams/open-streams.js';

type Sender = Omit<OpenStream, 'end'>;
type Open = (end: (error: Error) => void) => { close(): void };

/** Keyed by the arguments of the call, which guard and interceptor both receive. */
const admitted = new WeakMap<object, Open>();

/**
 * Records the token for which a reply is sent; does nothing for other types of calls.
 *
 * @param refuse converts the error into what the sender receives
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

/** Applied to every `@MessagePattern()` handler or its class. Has no state, because applications in one process share classes. */
class ReplyInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const args = context.getArgs<unknown[]>();
    const open = admitted.get(args);
    // Only once, because the interceptor may be on a class and on its base class.
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
 * Wraps the messages of a gRPC client's stream, so that none reaches the handler after the end. Neither does an error or a
 * completion: an error would end the process if the handler subscribes without an error callback, and a completion would make
 * half an upload look complete.
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
  // `@GrpcStreamMethod()` calls `drainBuffer` when the handler has subscribed.
  args[0] = Object.assign(guarded, { drainBuffer: messages.drainBuffer });
  return { silence: () => (isSilent = true) };
}

type PassedThrough = NonNullable<NonNullable<ReturnType<typeof readMessageCall>>['grpc']>['passedThrough'];

function endCall(call: GrpcCall, passedThrough: NonNullable<PassedThrough>, open: Open): void {
  // Cancelled while the guard was waiting: no event will follow.
  if (call.cancelled === true) return;
  const stream = open((error) => {
    call.removeAllListeners('data');
    refuseCall(call, passedThrough, error);
  });
  call.once('cancelled', () => stream.close());
  call.once('close', () => stream.close());
}

/** Rejects a call that Nest has passed through to the handler. */
export function refuseCall(call: GrpcCall, { callback }: NonNullable<PassedThrough>, error: Error): void {
  // `@grpc/grpc-js` reads code and metadata from the error itself.
  const status = Object.assign(error, rpcErrorOf(error));
  if (callback) callback(status);
  else call.emit('error', status);
}
