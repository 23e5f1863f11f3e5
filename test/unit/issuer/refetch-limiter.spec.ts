/** Fetches for unknown keys: one a second, shared by all who wait; a flood waits less and is told so. */
import { jest } from '@jest/globals';
import { RefetchLimiter } from '../../../lib/issuer/refetch-limiter.js';
import { advanceClock, holdClock } from '../../support/clock.js';

describe('RefetchLimiter', () => {
  let limiter: RefetchLimiter;
  const pending = (): Promise<never> => new Promise(() => undefined);

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['performance', 'Date', 'nextTick', 'setImmediate', 'queueMicrotask'] });
    limiter = new RefetchLimiter(10);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** Time passes, for timers and for the clock. */
  const pass = async (seconds: number): Promise<void> => {
    advanceClock(seconds);
    await jest.advanceTimersByTimeAsync(seconds * 1000);
  };

  it('lets the first fetch begin at once, and the next a second later, for all who wait', async () => {
    holdClock();
    await limiter.waitForFetch();
    const begun: string[] = [];
    for (const name of ['a', 'b']) void limiter.waitForFetch().then(() => begun.push(name));
    await pass(0.9);
    expect(begun).toEqual([]);
    await pass(0.2);
    expect(begun).toEqual(['a', 'b']);
    await pass(5);
    await limiter.waitForFetch();
  });

  it('makes nobody wait longer than the interval, whatever the clock says', async () => {
    advanceClock(1000);
    await limiter.waitForFetch();
    advanceClock(-1000);
    const next = limiter.waitForFetch().then(() => 'begun');
    await jest.advanceTimersByTimeAsync(1001);
    expect(await next).toBe('begun');
  });

  it('has a shorter interval where requests have less time', async () => {
    limiter = new RefetchLimiter(0.3);
    await limiter.waitForFetch();
    const next = limiter.waitForFetch().then(() => 'begun');
    await pass(0.11);
    expect(await next).toBe('begun');
  });

  const lookUp = (name?: string): Promise<void> => limiter.count(name, () => Promise.resolve());
  /** How many look-ups of new names are admitted one after the other. */
  const admitted = async (names: (i: number) => string | undefined): Promise<number> => {
    let count = 0;
    for (; limiter.admits(names(count)); count++) await lookUp(names(count));
    return count;
  };

  it.each([
    ['names', (i: number) => `kid ${i}`],
    ['tokens without a name', () => undefined],
  ])('admits 400 %s in a row, then one in two seconds', async (_, names) => {
    expect(await admitted(names)).toBeCloseTo(400, -1);
    await pass(20);
    expect(await admitted(names)).toBeCloseTo(10, -1);
    await pass(10_000);
    expect(await admitted(names)).toBeCloseTo(400, -1);
  });

  it('counts those that wait for one name once', async () => {
    for (let i = 0; i < 1000; i++) void limiter.count('new', pending);
    expect(await admitted(() => undefined)).toBeCloseTo(399, -1);
    expect([limiter.admits('new'), limiter.admits('another')]).toEqual([true, false]);
  });

  it('has 2,000 requests wait at a time, and frees the place of one that fails', async () => {
    for (let i = 0; i < 1999; i++) void limiter.count('new', pending);
    await expect(limiter.count('new', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(limiter.admits('new')).toBe(true);
    void limiter.count('new', pending);
    expect(limiter.admits('new')).toBe(false);
  });

  it('does not look for an absent name again for two seconds, then four, ten at the most', () => {
    const absentFor = (): number => {
      let seconds = 0;
      for (let concurrent = 0; concurrent < 3; concurrent++) limiter.rememberAbsent('kid');
      for (; limiter.isAbsent('kid'); seconds++) advanceClock(1);
      return seconds;
    };
    expect(limiter.isAbsent('kid')).toBe(false);
    expect(Array.from({ length: 5 }, absentFor)).toEqual([2, 4, 8, 10, 10]);
    expect(limiter.isAbsent('another')).toBe(false);
  });

  it('remembers 1,000 names, long ones apart, too', () => {
    const long = 'x'.repeat(60_000);
    limiter.rememberAbsent(`${long}a`);
    expect([limiter.isAbsent(`${long}a`), limiter.isAbsent(`${long}b`)]).toEqual([true, false]);
    for (let i = 0; i < 1001; i++) limiter.rememberAbsent(`kid ${i}`);
    expect([limiter.isAbsent('kid 0'), limiter.isAbsent('kid 1')]).toEqual([false, true]);
  });
});
