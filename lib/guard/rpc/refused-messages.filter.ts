/** Ends refusals that no sender hears of: events, and gRPC calls that Nest passes through. */
import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { of, throwError, type Observable } from 'rxjs';
import { readMessageCall } from '../../credentials/message-call.js';
import { rpcErrorOf } from '../../transport/rpc.transport.js';
import { refuseCall } from './streamed-replies.js';

/** Matches the exceptions that this module's guard made of a refused message, and no other `RpcException`. */
class RefusedMessage {
  static [Symbol.hasInstance](exception: unknown): boolean {
    return rpcErrorOf(exception) !== undefined;
  }
}

/**
 * Tells the sender of a message that it is refused.
 *
 * For a call of `@GrpcStreamCall()` nothing is thrown on: Nest does not wait for such handlers, so that an error would be an
 * unhandled rejection, which ends the process, and the client would wait for an answer for ever.
 */
export function answerRefused(exception: Error, host: ArgumentsHost): Observable<unknown> {
  const grpc = readMessageCall(host.getArgs())?.grpc;
  if (!grpc?.call || !grpc.passedThrough) return throwError(() => rpcErrorOf(exception) ?? exception);
  refuseCall(grpc.call, grpc.passedThrough, exception);
  return of(undefined);
}

/**
 * Answers refusals by itself. On `@GrpcStreamCall()` handlers, and behind all other global filters: Nest 12 logs each event
 * that an `RpcException` was thrown for, with a stack, so that a flood of bad tokens would flood the log.
 */
@Catch(RefusedMessage)
export class RefusedMessageFilter implements ExceptionFilter {
  catch(exception: Error, host: ArgumentsHost): Observable<unknown> {
    return answerRefused(exception, host);
  }
}

export const REFUSED_MESSAGE_FILTER = new RefusedMessageFilter();
