/** Pauses: growing for background attempts, short for requests, never shorter than the provider asked for. */
import { Backoff, monotonicSeconds } from '../../../lib/timing/backoff.js';
import { advanceClock, holdClock, jumpClock } from '../../support/clock.js';

const failing = (times: number, backoff = new Backoff()): Backoff => {
  for (let i = 0; i < times; i++) backoff.fail();
  return backoff;
};

describe('Backoff', () => {
  it('grows from half a second to half a minute, with up to half of it left to chance', () => {
    expect(failing(1).remaining).toBeGreaterThan(0.2);
    expect(failing(1).remaining).toBeLessThanOrEqual(0.5);
    const long = failing(20).remaining;
    expect(long).toBeGreaterThan(14);
    expect(long).toBeLessThanOrEqual(30);
  });

  it('lets requests try again after a second at most', () => {
    const { remainingOnDemand, remaining } = failing(20);
    expect(remainingOnDemand).toBeGreaterThan(0.9);
    expect(remainingOnDemand).toBeLessThanOrEqual(1);
    expect(remaining).toBeGreaterThan(remainingOnDemand);
  });

  it('keeps to what the provider asked for, requests too', () => {
    const backoff = new Backoff();
    backoff.fail(7);
    expect(Math.ceil(backoff.remaining)).toBe(7);
    expect(Math.ceil(backoff.remainingOnDemand)).toBe(7);
  });

  it('has no pause for failures that are tolerated, nor after a success', () => {
    const backoff = failing(2, new Backoff(2));
    expect([backoff.remaining, backoff.remainingOnDemand, backoff.failures]).toEqual([0, 0, 2]);
    failing(1, backoff);
    expect(backoff.remaining).toBeGreaterThan(0);
    backoff.succeed();
    expect([backoff.remaining, backoff.remainingOnDemand, backoff.failures]).toEqual([0, 0, 0]);
  });

  it('has a longest pause of its own', () => {
    expect(failing(20, new Backoff(0, 1.5)).remaining).toBeLessThanOrEqual(1.5);
  });
});

describe('monotonicSeconds', () => {
  const passedIn = (what: () => void): number => {
    holdClock();
    const before = monotonicSeconds();
    what();
    return Math.round(monotonicSeconds() - before);
  };

  it.each([
    ['time passes', () => advanceClock(60), 60],
    ['the machine is suspended, and the wall clock alone goes on', () => jumpClock(3600), 3600],
    ['the wall clock is set back', () => jumpClock(-3600), 0],
    ['the wall clock is corrected', () => jumpClock(1.5), 0],
  ])('goes on as it should where %s', (_, what, seconds) => {
    expect(passedIn(what)).toBe(seconds);
  });

  it('adds up suspensions that are short', () => {
    const passed = passedIn(() => {
      for (let i = 0; i < 100; i++) {
        jumpClock(1.5);
        monotonicSeconds();
      }
    });
    expect(passed).toBe(150);
  });

  it('notices a suspension after the clock was set back', () => {
    const passed = passedIn(() => {
      jumpClock(-3600);
      monotonicSeconds();
      jumpClock(300);
    });
    expect(passed).toBe(300);
  });
});
