/** Limits how long external work may take. */

export class DeadlineError extends Error {}

/** A timer this late shows that the process was suspended, or very busy. Timers then run before the I/O that has arrived. */
const LATE_MS = 1000;
/** The additional time to read that I/O. */
const MAX_EXTENSION_MS = 1000;

/**
 * Returns the result of the work, or rejects with a {@link DeadlineError} after this many seconds. The timer ends with the
 * work. If the timer is late because the process was suspended, the work gets up to a second more.
 *
 * @param onLate called at the deadline, to abort the work
 */
export function withDeadline<Result>(
  seconds: number,
  work: () => Result | Promise<Result>,
  onLate?: (error: DeadlineError) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      const error = new DeadlineError(`no answer within ${seconds} s`);
      reject(error);
      onLate?.(error);
    };
    const milliseconds = seconds * 1000;
    const dueAt = performance.now() + milliseconds;
    let timer = setTimeout(() => {
      if (performance.now() - dueAt < LATE_MS) end();
      else timer = setTimeout(end, Math.min(milliseconds, MAX_EXTENSION_MS));
    }, milliseconds);
    const succeed = (result: Result): void => {
      clearTimeout(timer);
      resolve(result);
    };
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      reject(error as Error);
    };
    try {
      Promise.resolve(work()).then(succeed, fail);
    } catch (error) {
      fail(error);
    }
  });
}
