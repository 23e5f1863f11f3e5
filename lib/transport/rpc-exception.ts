/** `RpcException` of `@nestjs/microservices`, loaded when the first message comes: other applications do not have the package. */

type RpcExceptionClass = new (error: object) => Error & { getError(): string | object };

let loaded: RpcExceptionClass | undefined;
let loading: Promise<void> | undefined;

/** `undefined` once the class is there. */
export function loadRpcException(): Promise<void> | undefined {
  return loaded ? undefined : (loading ??= load());
}

async function load(): Promise<void> {
  try {
    loaded = (await import('@nestjs/microservices')).RpcException;
  } catch {
    // No part of Nest has called the handler. Whoever has finds the error on it.
    loaded = UnknownRpcException;
  }
}

/**
 * Without a stack: that of a refusal is always the guard's.
 *
 * @param error what the sender of the message reads
 */
export function rpcExceptionFor(error: object, cause: unknown): Error {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', 0);
  const exception = new (loaded ?? UnknownRpcException)(error);
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  exception.cause = cause;
  return exception;
}

class UnknownRpcException extends Error {
  constructor(private readonly error: object) {
    super('refused');
  }

  getError(): object {
    return this.error;
  }
}
