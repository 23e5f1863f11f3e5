/**
 * For timers that outlive the request in which they are started. In its asynchronous context they would keep what is stored
 * there (`AsyncLocalStorage`: a request, its user, its trace) for as long as they run, and show it to what they call:
 * functions of the application, and handlers of other connections.
 */
import { AsyncResource } from 'node:async_hooks';

/** As it was when this module was loaded. */
const outside = new AsyncResource('nestjs-resource-server');

export function outsideRequests<Result>(work: () => Result): Result {
  return outside.runInAsyncScope(work);
}
