/** How long may something take that is not ours? */

export class DeadlineError extends Error {}

/**
 * What the work comes to, or a {@link DeadlineError} after so many seconds. The timer ends with the work.
 *
 * @param onLate ends the work, if it can be ended
 */
export async function withDeadline<Result>(
  seconds: number,
  work: () => Result | Promise<Result>,
  onLate?: (error: DeadlineError) => void,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new DeadlineError(`no answer within ${seconds} s`);
      reject(error);
      onLate?.(error);
    }, seconds * 1000);
  });
  try {
    return await Promise.race([(async () => work())(), late]);
  } finally {
    clearTimeout(timer);
  }
}
