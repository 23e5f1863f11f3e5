/** Signatures share the event loop: a turn ends after some milliseconds, and known tokens go first. */
import { setImmediate } from 'node:timers';
import { VerificationQueue } from '../../../lib/timing/verification-queue.js';
import { advanceClock } from '../../support/clock.js';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('VerificationQueue', () => {
  const done: string[] = [];
  let queue: VerificationQueue;

  beforeEach(() => {
    done.length = 0;
    queue = new VerificationQueue();
  });

  const verify = (name: string, milliseconds = 0): Promise<string> =>
    queue.verify(() => {
      advanceClock(milliseconds / 1000);
      done.push(name);
      return name;
    });
  const answer = async (name: string): Promise<unknown> => {
    const batch = queue.waitForBatch();
    if (batch) await batch;
    return done.push(name);
  };

  it('runs nothing in the caller’s turn', async () => {
    const verified = verify('a');
    expect(done).toEqual([]);
    expect(await verified).toBe('a');
  });

  it('answers a known token at once while they come one at a time, and together where they come together', async () => {
    const one = async (): Promise<readonly boolean[]> => {
      const waits = [queue.waitForBatch() !== undefined];
      await nextTurn();
      return waits;
    };
    const three = async (): Promise<readonly boolean[]> => {
      const batches = [queue.waitForBatch(), queue.waitForBatch(), queue.waitForBatch()];
      await Promise.all(batches);
      return batches.map((batch) => batch !== undefined);
    };
    expect(await one()).toEqual([false]);
    expect(await one()).toEqual([false]);
    // The first of those that come together after that is not held up, the next time it is.
    expect(await three()).toEqual([false, true, true]);
    expect(await three()).toEqual([true, true, true]);
    expect(await one()).toEqual([true]);
    expect(await one()).toEqual([false]);
  });

  it('lets requests that need no signature go first, with all that follows', async () => {
    const verified = verify('signature');
    const answered = answer('known').then(() => done.push('answered'));
    await Promise.all([verified, answered]);
    expect(done).toEqual(['known', 'answered', 'signature']);
  });

  it('lets them go on between two turns of signatures', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const verified = Promise.all(names.map((name) => verify(name, 5)));
    await nextTurn();
    await Promise.all([answer('known'), verified]);
    expect(done.indexOf('known')).toBeLessThanOrEqual(2);
  });

  it('ends a turn after five milliseconds', async () => {
    const all = Promise.all(['a', 'b', 'c', 'd'].map((name) => verify(name, 3)));
    await nextTurn();
    expect(done).toEqual(['a', 'b']);
    await nextTurn();
    expect(done).toEqual(['a', 'b', 'c', 'd']);
    await all;
  });

  it('verifies one signature a turn, however long it takes', async () => {
    void verify('a', 40);
    void verify('b', 40);
    await nextTurn();
    expect(done).toEqual(['a']);
    await nextTurn();
    expect(done).toEqual(['a', 'b']);
  });

  it('ends a turn after 32 signatures, and keeps their order', async () => {
    const names = Array.from({ length: 70 }, (_, i) => String(i));
    const all = Promise.all(names.map((name) => verify(name)));
    await nextTurn();
    expect(done).toHaveLength(32);
    await all;
    expect(done).toEqual(names);
  });

  it('hands on what the work throws or rejects with, and goes on', async () => {
    const refused = new Error('refused');
    const throws = queue.verify(() => {
      throw refused;
    });
    const rejects = queue.verify(() => Promise.reject(refused));
    await expect(throws).rejects.toBe(refused);
    await expect(rejects).rejects.toBe(refused);
    expect(await verify('next')).toBe('next');
  });

  it('refuses a signature beyond 10,000 that wait, as something that cannot be determined now', async () => {
    const waiting = Array.from({ length: 10_000 }, () => verify('a', 1000));
    await expect(verify('one too many')).rejects.toMatchObject({ status: 503, retryAfter: 1 });
    await nextTurn();
    await expect(Promise.race([verify('fits again'), waiting[0]])).resolves.toBe('a');
  });
});
