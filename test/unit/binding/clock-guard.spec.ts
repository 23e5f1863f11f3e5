/** When may a proof have been used before, although no store remembers it? */
import { ClockGuard } from '../../../lib/binding/clock-guard.js';
import { advanceClock } from '../../support/clock.js';

const AFTER = 60;

describe('ClockGuard', () => {
  it('takes nothing for spent as long as the clock runs', () => {
    const guard = new ClockGuard(AFTER);
    for (let now = 1000; now < 2000; now += 50) {
      expect(guard.isSpent(now - AFTER, now)).toBe(false);
      guard.confirm(now);
      advanceClock(50);
    }
  });

  it('takes what was made before the clock was set back for spent, but for what a store still remembers', () => {
    const guard = new ClockGuard(AFTER);
    guard.confirm(1000);
    advanceClock(500);
    expect([guard.isSpent(1439, 1300), guard.isSpent(1440, 1300)]).toEqual([true, false]);
    advanceClock(10);
    expect([guard.isSpent(1439, 1310), guard.isSpent(1440, 1310)]).toEqual([true, false]);
  });

  it('keeps the latest time of several', () => {
    const guard = new ClockGuard(AFTER);
    guard.confirm(1000);
    expect(guard.isSpent(500, 900)).toBe(true);
    guard.confirm(900);
    expect(guard.isSpent(938, 850)).toBe(true);
    expect(guard.isSpent(940, 850)).toBe(false);
  });

  it('takes nothing for spent that is fresh after a step within the time that proofs live', () => {
    const guard = new ClockGuard(AFTER);
    guard.confirm(1000);
    expect(guard.isSpent(970, 970)).toBe(false);
  });

  it('lets a clock be corrected by which no proof was accepted', () => {
    const guard = new ClockGuard(AFTER);
    expect(guard.isSpent(5000, 5000)).toBe(false);
    expect(guard.isSpent(1000, 1000)).toBe(false);
    guard.confirm(1000);
    expect(guard.isSpent(5000, 5000)).toBe(false);
    expect(guard.isSpent(1000, 1000)).toBe(false);
  });

  it('takes for spent what may be forgotten already, to the second', () => {
    const { now } = performance;
    try {
      const guard = new ClockGuard(AFTER);
      performance.now = () => 500_000;
      guard.confirm(1000);
      performance.now = () => 600_000;
      expect([guard.isSpent(1039, 900), guard.isSpent(1039.5, 900)]).toEqual([true, false]);
    } finally {
      performance.now = now;
    }
  });
});
