/** How long may something take that is not ours? */

export class DeadlineError extends Error {}

/**
 * What the work comes to, or a {@link DeadlineError} after so many seconds: also of work that does not look at its
 * signal. The timer ends with the work.
 */
export async function withDeadline<Result>(
  seconds: number,
  work: (signal: AbortSignal) => Result | Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new DeadlineError(`no answer within ${seconds} s`);
      reject(error);
      controller.abort(error);
    }, seconds * 1000);
  });
  try {
    return await Promise.race([(async () => work(controller.signal))(), late]);
  } finally {
    clearTimeout(timer);
  }
}
