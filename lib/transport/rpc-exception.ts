/** Loads `RpcException` of `@nestjs/microservices` with the first message: other applications do not have the package. */

type RpcExceptionClass = new (error: object) => Error & { getError(): string | object };

let loaded: RpcExceptionClass | undefined;
let loading: Promise<void> | undefined;

/** Returns `undefined` once the class is loaded. */
export function loadRpcException(): Promise<void> | undefined {
  return loaded ? undefined : (loading ??= load());
}

async function load(): Promise<void> {
  try {
    loaded = (await import('@nestjs/microservices')).RpcException;
  } catch {
    // Without the package, the caller is not Nest, and can read the error from this class.
    loaded = UnknownRpcException;
  }
}

/**
 * Creates the exception without a stack, which would always be that of the guard.
 *
 * @param error what the sender of the message receives
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
