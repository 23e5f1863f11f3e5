/** How long something may take, also where the process is suspended meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DeadlineError, withDeadline } from '../../../lib/timing/deadline.js';
import { advanceClock } from '../../support/clock.js';

describe('withDeadline', () => {
  const hanging = (): Promise<never> => new Promise(() => undefined);

  it('gives what the work comes to', async () => {
    expect(await withDeadline(10, () => 'done')).toBe('done');
    await expect(withDeadline(10, () => Promise.reject(new TypeError('no')))).rejects.toThrow(TypeError);
  });

  it('ends what takes too long', async () => {
    const late: Error[] = [];
    await expect(withDeadline(0.01, hanging, (error) => late.push(error))).rejects.toThrow(DeadlineError);
    expect(late).toHaveLength(1);
  });

  it('reads what came while the process was suspended', async () => {
    const work = withDeadline(0.05, async () => {
      // As after a suspension: the deadline's timer comes first, and the answer after it.
      await sleep(60);
      return 'answer';
    });
    advanceClock(60);
    expect(await work).toBe('answer');
  });

  it('ends what does not come after a suspension, either', async () => {
    const work = withDeadline(0.05, hanging);
    advanceClock(60);
    await expect(work).rejects.toThrow(DeadlineError);
  });
});
