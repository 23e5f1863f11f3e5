/** A value now, or later. */

/** Any thenable: a promise may come from another library (those of databases have their own), or another context of the process. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** What comes next, now if that is possible: an `await` gives every other request a turn first, needed or not. */
export function whenReady<Value, Result>(
  value: Value | Promise<Value>,
  proceed: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(proceed) : proceed(value);
}
