/** Signatures share the event loop: a turn ends after some milliseconds, and known tokens go first. */
import { AsyncLocalStorage } from 'node:async_hooks';
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

  const verify = async (name: string, milliseconds = 0): Promise<string> =>
    queue.verify(() => {
      advanceClock(milliseconds / 1000);
      done.push(name);
      return name;
    });
  /** Which of these, all of one turn, have to wait. */
  const waits = async (...requests: readonly object[]): Promise<readonly boolean[]> => {
    const batches = requests.map((request) => queue.waitForBatch(request));
    await Promise.all([...batches, nextTurn()]);
    return batches.map((batch) => batch !== undefined);
  };
  const answer = async (name: string): Promise<unknown> => {
    const batch = queue.waitForBatch({});
    if (batch) await batch;
    return done.push(name);
  };

  /** Some that came together: those of the next turn wait for one another. */
  const busy = async (): Promise<void> => {
    const batches = [{}, {}].map((request) => queue.waitForBatch(request));
    await Promise.all([...batches, nextTurn()]);
  };

  it('runs the signature of a lone request at once, and what it throws is thrown', async () => {
    for (const name of ['a', 'b', 'c']) {
      expect(queue.verify(() => name)).toBe(name);
      await nextTurn();
    }
    const refused = new Error('refused');
    expect(() =>
      queue.verify(() => {
        throw refused;
      }),
    ).toThrow(refused);
  });

  it('runs one signature of a turn at once, and none after a turn with several', async () => {
    const begin = (): readonly Promise<string>[] => ['a', 'b', 'c'].map((name) => verify(name));
    const first = begin();
    expect(done.splice(0)).toEqual(['a']);
    await nextTurn();
    expect(done.splice(0)).toEqual(['b', 'c']);
    const second = begin();
    expect(done.splice(0)).toEqual([]);
    await Promise.all([...first, ...second]);
    expect(await queue.verify(() => 'the last that waits')).toBe('the last that waits');
    await nextTurn();
    expect(queue.verify(() => 'alone again')).toBe('alone again');
  });

  it('runs no signature at once where known tokens came together, or one has come', async () => {
    await busy();
    const [afterMany] = [queue.verify(() => 'a')];
    expect(afterMany).toBeInstanceOf(Promise);
    await afterMany;
    await nextTurn();
    expect(queue.waitForBatch({})).toBeUndefined();
    const besideOne = queue.verify(() => 'b');
    expect(besideOne).toBeInstanceOf(Promise);
    await besideOne;
  });

  it('answers a known token at once while they come one at a time, and together where they come together', async () => {
    const [one, three] = [() => waits({}), () => waits({}, {}, {})];
    expect(await one()).toEqual([false]);
    expect(await one()).toEqual([false]);
    // The first of those that come together after that is not held up, the next time it is.
    expect(await three()).toEqual([false, true, true]);
    expect(await three()).toEqual([true, true, true]);
    expect(await one()).toEqual([true]);
    expect(await one()).toEqual([false]);
  });

  it('counts a request once, however often it asks', async () => {
    const request = {};
    expect(await waits(request, request, request)).toEqual([false, false, false]);
    expect(await waits({}, {})).toEqual([false, true]);
    expect(await waits(request, request, request)).toEqual([true, true, true]);
    expect(await waits(request, request, request)).toEqual([false, false, false]);
  });

  it('does not count for later who comes between the answers and the signatures of a turn', async () => {
    await waits({}, {});
    const verified = verify('signature');
    const answered = answer('known');
    await nextTurn();
    expect(done).toEqual(['known']);
    expect(queue.waitForBatch({})).toBeUndefined();
    await Promise.all([answered, verified]);
    await nextTurn();
    expect(await waits({})).toEqual([false]);
  });

  it('runs each signature in the asynchronous context of its request', async () => {
    await busy();
    const contexts = new AsyncLocalStorage<string>();
    const names = ['a', 'b', 'c'];
    const read = (name: string) => contexts.run(name, () => queue.verify(() => contexts.getStore()));
    expect(await Promise.all(names.map(read))).toEqual(names);
  });

  it('lets requests that need no signature go first, with all that follows', async () => {
    await busy();
    const verified = verify('signature');
    const answered = answer('known').then(() => done.push('answered'));
    await Promise.all([verified, answered]);
    expect(done).toEqual(['known', 'answered', 'signature']);
  });

  it('lets them go on between two turns of signatures', async () => {
    await busy();
    const names = ['a', 'b', 'c', 'd'];
    const verified = Promise.all(names.map((name) => verify(name, 5)));
    await nextTurn();
    await Promise.all([answer('known'), verified]);
    expect(done.indexOf('known')).toBeLessThanOrEqual(2);
  });

  it('ends a turn after five milliseconds', async () => {
    await busy();
    const all = Promise.all(['a', 'b', 'c', 'd'].map((name) => verify(name, 3)));
    await nextTurn();
    expect(done).toEqual(['a', 'b']);
    await nextTurn();
    expect(done).toEqual(['a', 'b', 'c', 'd']);
    await all;
  });

  it('verifies one signature a turn, however long it takes', async () => {
    await busy();
    void verify('a', 40);
    void verify('b', 40);
    await nextTurn();
    expect(done).toEqual(['a']);
    await nextTurn();
    expect(done).toEqual(['a', 'b']);
  });

  it('ends a turn after 32 signatures, and keeps their order', async () => {
    await busy();
    const names = Array.from({ length: 70 }, (_, i) => String(i));
    const all = Promise.all(names.map((name) => verify(name)));
    await nextTurn();
    expect(done).toHaveLength(32);
    await all;
    expect(done).toEqual(names);
  });

  it('hands on what the work throws or rejects with, and goes on', async () => {
    await busy();
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
    await busy();
    const waiting = Array.from({ length: 10_000 }, () => verify('a', 1000));
    await expect(verify('one too many')).rejects.toMatchObject({ status: 503, retryAfter: 1 });
    await nextTurn();
    await expect(Promise.race([verify('fits again'), waiting[0]])).resolves.toBe('a');
  });
});
