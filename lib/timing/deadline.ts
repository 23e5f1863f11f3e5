/** How long may something take that is not ours? */

export class DeadlineError extends Error {}

/** A timer this late says that the process was suspended, or very busy: its timers come before what has arrived meanwhile. */
const LATE_MS = 1000;
/** Then there is so much time to read it. */
const MAX_EXTENSION_MS = 1000;

/**
 * What the work comes to, or a {@link DeadlineError} after so many seconds. The timer ends with the work. Where it comes
 * late, because the process was suspended, the work has up to a second more.
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
    const end = (): void => {
      const error = new DeadlineError(`no answer within ${seconds} s`);
      reject(error);
      onLate?.(error);
    };
    const milliseconds = seconds * 1000;
    const dueAt = performance.now() + milliseconds;
    timer = setTimeout(() => {
      if (performance.now() - dueAt < LATE_MS) end();
      else timer = setTimeout(end, Math.min(milliseconds, MAX_EXTENSION_MS));
    }, milliseconds);
  });
  try {
    return await Promise.race([(async () => work())(), late]);
  } finally {
    clearTimeout(timer);
  }
}
