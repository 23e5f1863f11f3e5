/** An allowance comes back with time, up to its maximum; debts are paid first. */
import { Allowance } from '../../../lib/timing/allowance.js';
import { advanceClock, holdClock } from '../../support/clock.js';

describe('Allowance', () => {
  beforeEach(holdClock);

  it('starts full, is spent, and comes back with time, never beyond its maximum', () => {
    const allowance = new Allowance(6, 0.1);
    expect(allowance.left).toBe(6);
    allowance.spend(6);
    expect(allowance.left).toBeCloseTo(0, 1);
    advanceClock(10);
    expect(allowance.left).toBeCloseTo(1, 1);
    advanceClock(1000);
    expect(allowance.left).toBe(6);
  });

  it('owes what was spent beyond it', () => {
    const allowance = new Allowance(1, 1);
    allowance.spend(3);
    advanceClock(1);
    expect(allowance.left).toBeLessThan(0);
    advanceClock(2);
    expect(allowance.left).toBeGreaterThan(0);
  });
});
