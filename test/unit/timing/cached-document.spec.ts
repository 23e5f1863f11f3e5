/** A document in memory: who waits for a fetch, who does not, and what is tried again when. */
import { jest } from '@jest/globals';
import { CachedDocument } from '../../../lib/timing/cached-document.js';
import { ProviderUnavailableError } from '../../../lib/errors/auth.errors.js';
import { advanceClock, holdClock } from '../../support/clock.js';

interface Fetch {
  readonly answer: (text: string) => void;
  readonly fail: (error?: Error) => void;
}

const down = (): Error => new ProviderUnavailableError({ detail: 'down' });

describe('CachedDocument', () => {
  let fetches: Fetch[];
  let events: string[];
  let document: CachedDocument<string>;

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['performance', 'Date', 'nextTick', 'setImmediate', 'queueMicrotask'] });
    fetches = [];
    events = [];
    document = new CachedDocument<string>(
      () =>
        new Promise((answer, reject) => fetches.push({ answer, fail: (error = down()) => reject(error) })),
      {
        freshFor: 300,
        staleFor: 1000,
        onFailure: (_error, held) => events.push(`fails, ${held ? 'something' : 'nothing'} held`),
        onRecovery: (failures) => events.push(`works after ${failures}`),
      },
    );
  });
  afterEach(() => {
    document.stop();
    jest.useRealTimers();
  });

  /** Time passes, for timers and for the clock. */
  const pass = async (seconds: number): Promise<void> => {
    advanceClock(seconds);
    await jest.advanceTimersByTimeAsync(seconds * 1000);
  };
  const latest = (): Fetch => {
    const fetch = fetches.at(-1);
    if (!fetch) throw new Error('nothing was fetched');
    return fetch;
  };
  const hold = async (text: string): Promise<void> => {
    const got = document.get();
    latest().answer(text);
    expect(await got).toBe(text);
  };
  /** As the event loop does while nobody asks: without the timers, as after a suspension. */
  const suspend = (seconds: number): void => advanceClock(seconds);

  it('is renewed ahead only where it is read, if it is told so', async () => {
    document = new CachedDocument<string>(
      () => new Promise((answer) => fetches.push({ answer, fail: () => undefined })),
      { freshFor: 300, staleFor: 0, refreshesOnlyUsed: true, onFailure: () => 0, onRecovery: () => 0 },
    );
    await hold('a');
    await pass(290);
    expect(fetches).toHaveLength(1);
    await pass(20);
    await hold('b');
    await document.get();
    await pass(290);
    expect(fetches).toHaveLength(3);
    latest().answer('c');
    await pass(600);
    expect(fetches).toHaveLength(3);
  });

  it('shares one fetch, and then answers without a promise', async () => {
    const both = Promise.all([document.get(), document.get()]);
    latest().answer('a');
    expect(await both).toEqual(['a', 'a']);
    expect([document.get(), document.state, fetches.length]).toEqual(['a', 'fresh', 1]);
  });

  it('fetches in the background between 70 and 80 % of the fresh time', async () => {
    await hold('a');
    await pass(209);
    expect(fetches).toHaveLength(1);
    await pass(32);
    expect(fetches).toHaveLength(2);
    expect(document.get()).toBe('a');
  });

  it('waits for a healthy provider where the document is stale, so that nothing withdrawn is used', async () => {
    await hold('a');
    suspend(301);
    const got = [document.get(), document.get()];
    expect(fetches).toHaveLength(2);
    latest().answer('b');
    expect(await Promise.all(got)).toEqual(['b', 'b']);
  });

  it('answers with the stale document after a quarter of a second, then at once, while the fetch hangs', async () => {
    // A machine that pauses for a second would look like a process that was suspended.
    holdClock();
    await hold('a');
    suspend(301);
    const got = document.get();
    await pass(0.26);
    expect(await got).toBe('a');
    expect([document.get(), document.state, document.isFetching]).toEqual(['a', 'stale', true]);
    latest().answer('b');
    await pass(0);
    expect(document.get()).toBe('b');
  });

  it('answers with the stale document when the fetch fails, at once while it is known to fail', async () => {
    await hold('a');
    suspend(301);
    const got = document.get();
    latest().fail();
    expect(await got).toBe('a');
    expect(document.get()).toBe('a');
    expect(events).toEqual(['fails, something held']);
  });

  it('has nothing once the stale time is over', async () => {
    await hold('a');
    suspend(1301);
    const got = document.get();
    latest().fail();
    await expect(got).rejects.toMatchObject({ status: 503 });
    expect(document.state).toBe('none');
  });

  it('tries again in the background with growing pauses, and says once that it fails and that it works', async () => {
    const got = document.get();
    latest().fail();
    await expect(got).rejects.toMatchObject({ detail: 'down' });
    for (let attempt = 2; attempt <= 4; attempt++) {
      await pass(2 ** (attempt - 1) / 4 - 0.01);
      if (fetches.length < attempt) await pass(2 ** (attempt - 1) / 4 + 0.02);
      expect(fetches).toHaveLength(attempt);
      if (attempt < 4) latest().fail();
    }
    latest().answer('a');
    await pass(0);
    expect(events).toEqual(['fails, nothing held', 'works after 3']);
  });

  describe('for a request that needs the provider', () => {
    const failFor = async (seconds: number): Promise<void> => {
      for (const until = performance.now() + seconds * 1000; performance.now() < until; await pass(0.5)) {
        document.demand().catch(() => undefined);
        for (const { fail } of fetches) fail();
      }
    };

    it('makes an attempt a second during an outage, not more, and finds the provider within two', async () => {
      await failFor(30);
      expect(fetches.length).toBeGreaterThan(12);
      expect(fetches.length).toBeLessThan(35);
      await pass(1);
      const got = document.demand();
      latest().answer('back');
      expect(await got).toBe('back');
    });

    it('fails at once between two attempts, with the time of the next', async () => {
      // The shortest pause can end at the moment of the request.
      jest.spyOn(Math, 'random').mockReturnValue(0.5);
      await failFor(30);
      jest.restoreAllMocks();
      await expect(document.demand()).rejects.toMatchObject({ status: 503, retryAfter: 1 });
    });

    it('leaves the provider alone as long as it asked for', async () => {
      const got = document.get();
      latest().fail(new ProviderUnavailableError({ retryAfter: 7, askedForPause: true }));
      await expect(got).rejects.toMatchObject({ retryAfter: 7 });
      await pass(6);
      await expect(document.demand()).rejects.toMatchObject({ retryAfter: 1 });
      expect(fetches).toHaveLength(1);
      await pass(1.1);
      expect(fetches).toHaveLength(2);
    });

    it('waits for a second at most where the provider is known to fail, and now hangs', async () => {
      await failFor(10);
      await pass(1);
      const waiting = document.demand().catch((error: unknown) => error);
      await pass(1.01);
      expect(await waiting).toMatchObject({ status: 503, detail: 'down' });
      latest().answer('late, but good');
      await pass(0);
      expect(await document.get()).toBe('late, but good');
    });

    it('finds a provider that is back although an attempt still hangs, for those who wait, too', async () => {
      const first = document.get();
      await pass(1.1);
      const second = document.demand();
      expect(fetches).toHaveLength(2);
      latest().answer('back');
      expect(await Promise.all([first, second])).toEqual(['back', 'back']);
      fetches[0]?.fail();
      await pass(0);
      expect([document.isFailing, events]).toEqual([false, []]);
    });

    it('counts an attempt that ends while another hangs as a failure', async () => {
      const first = document.get();
      await pass(1.1);
      const second = document.demand();
      fetches[0]?.fail();
      await pass(0);
      expect([document.isFailing, events]).toEqual([true, ['fails, nothing held']]);
      fetches[1]?.fail();
      await expect(first).rejects.toMatchObject({ detail: 'down' });
      await expect(second).rejects.toMatchObject({ detail: 'down' });
    });
  });

  it('says when the fetch of its document began', async () => {
    expect(document.askedAt).toBe(-Infinity);
    holdClock();
    const beganAt = performance.now() / 1000;
    const got = document.get();
    advanceClock(5);
    latest().answer('a');
    await got;
    expect(document.askedAt - beganAt).toBeLessThan(1);
  });

  it('fetches nothing more if it is stopped as a fetch is due', async () => {
    await hold('one');
    advanceClock(299);
    jest.advanceTimersByTime(299_000);
    document.stop();
    await new Promise((resolve) => setImmediate(resolve));
    expect(fetches).toHaveLength(1);
  });

  it('fetches nothing more once it is stopped', async () => {
    await hold('a');
    document.stop();
    await pass(10_000);
    expect(fetches).toHaveLength(1);
  });
});
