/**
 * Runs work outside the asynchronous context of a request, for timers that outlive the request in which they are started. In
 * that context a timer would retain the contents of `AsyncLocalStorage` (a request, its user, its trace) for as long as it
 * runs, and expose them to the code that it calls: functions of the application, and handlers of other connections.
 */
import { AsyncResource } from 'node:async_hooks';

/** The asynchronous context in which this module was loaded. */
const outside = new AsyncResource('nestjs-resource-server');

export function outsideRequests<Result>(work: () => Result): Result {
  return outside.runInAsyncScope(work);
}
