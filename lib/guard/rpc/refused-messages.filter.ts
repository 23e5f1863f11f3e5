/** Handles rejections that Nest would not send: of events, and of gRPC calls that Nest passes through to the handler. */
import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { of, throwError, type Observable } from 'rxjs';
import { readMessageCall } from '../../credentials/message-call.js';
import { rpcErrorOf } from '../../transport/rpc.transport.js';
import { refuseCall } from './streamed-replies.js';

/** Matches the exceptions that this module created for rejected messages, and no other `RpcException`. */
class RefusedMessage {
  static [Symbol.hasInstance](exception: unknown): boolean {
    return rpcErrorOf(exception) !== undefined;
  }
}

/**
 * Sends the rejection to the sender of a message.
 *
 * For `@GrpcStreamCall()`, the exception is not rethrown: Nest does not await such handlers, so it would be an unhandled
 * rejection, which ends the process, and the client would wait for a response forever.
 */
export function answerRefused(exception: Error, host: ArgumentsHost): Observable<unknown> {
  const grpc = readMessageCall(host.getArgs())?.grpc;
  if (!grpc?.call || !grpc.passedThrough) return throwError(() => rpcErrorOf(exception) ?? exception);
  refuseCall(grpc.call, grpc.passedThrough, exception);
  return of(undefined);
}

/**
 * Sends rejections itself. It is on `@GrpcStreamCall()` handlers, and is tried after all other global filters: Nest 12 logs
 * every event for which an `RpcException` is thrown, with a stack, so that a flood of invalid tokens would flood the log.
 */
@Catch(RefusedMessage)
export class RefusedMessageFilter implements ExceptionFilter {
  catch(exception: Error, host: ArgumentsHost): Observable<unknown> {
    return answerRefused(exception, host);
  }
}

export const REFUSED_MESSAGE_FILTER = new RefusedMessageFilter();
