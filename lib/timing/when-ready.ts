/** Handles values that may be promises. */

/** Returns whether a value is a thenable: promises may come from another library (database libraries have their own) or realm. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** Calls `proceed` at once unless the value is a promise: an `await` would always let every other request run first. */
export function whenReady<Value, Result>(
  value: Value | Promise<Value>,
  proceed: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(proceed) : proceed(value);
}
