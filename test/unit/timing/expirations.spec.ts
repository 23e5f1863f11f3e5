import { jest } from '@jest/globals';
import * as fc from 'fast-check';
import { Expirations, type Expiration } from '../../../lib/timing/expirations.js';

describe('Expirations', () => {
  let now = 0;
  let expirations: Expirations;
  const ended: string[] = [];

  beforeEach(() => {
    jest.useFakeTimers();
    now = 1_000_000;
    ended.length = 0;
    expirations = new Expirations(() => now);
  });
  afterEach(() => {
    expirations.stop();
    jest.useRealTimers();
  });

  const add = (name: string, at: number): Expiration => expirations.add(at, () => ended.push(name));
  const pass = (seconds: number): void => {
    now += seconds;
    jest.advanceTimersByTime(1000);
  };

  it('ends each within a second of its time, and none before', () => {
    add('later', now + 20);
    add('sooner', now + 10);
    pass(9);
    expect(ended).toEqual([]);
    pass(1);
    expect(ended).toEqual(['sooner']);
    pass(10);
    expect(ended).toEqual(['sooner', 'later']);
  });

  it('does not end what was removed, and removes once', () => {
    const kept = add('kept', now + 5);
    const removed = add('removed', now + 5);
    expirations.remove(removed);
    expirations.remove(removed);
    pass(5);
    expirations.remove(kept);
    expect(ended).toEqual(['kept']);
    expect(expirations.size).toBe(0);
  });

  it('moves a deadline in both directions', () => {
    const renewed = add('renewed', now + 5);
    const shortened = add('shortened', now + 50);
    expirations.move(renewed, now + 100);
    expirations.move(shortened, now + 1);
    pass(5);
    expect(ended).toEqual(['shortened']);
    pass(95);
    expect(ended).toEqual(['shortened', 'renewed']);
    expirations.move(renewed, now + 10);
    expect(expirations.size).toBe(0);
  });

  it('waits for deadlines that are further away than timers reach', () => {
    add('far', now + 2 ** 32);
    pass(2 ** 31);
    expect(ended).toEqual([]);
    pass(2 ** 31);
    expect(ended).toEqual(['far']);
  });

  it('notices that the clock was set, or that the process was suspended', () => {
    add('token', now + 3600);
    now += 86_400;
    jest.advanceTimersByTime(500);
    expect(ended).toEqual(['token']);
  });

  it('ends the others when an end adds one or removes one', () => {
    const other = add('other', now + 5);
    expirations.add(now + 1, () => {
      ended.push('first');
      expirations.remove(other);
      add('added', now);
    });
    pass(5);
    expect(ended).toEqual(['first', 'added']);
  });

  it('keeps no timer while nothing waits', () => {
    expect(jest.getTimerCount()).toBe(0);
    const one = add('one', now + 5);
    expect(jest.getTimerCount()).toBe(1);
    expirations.remove(one);
    expect(jest.getTimerCount()).toBe(0);
    add('two', now + 1);
    pass(1);
    expect(jest.getTimerCount()).toBe(0);
    add('three', now + 1);
    expirations.stop();
    expect(jest.getTimerCount()).toBe(0);
    pass(5);
    expect(ended).toEqual(['two']);
  });

  it('ends in order whatever was added, moved and removed', () => {
    const steps = fc.array(
      fc.record({
        kind: fc.constantFrom('add', 'move', 'remove'),
        which: fc.nat(50),
        at: fc.integer({ min: 1, max: 1000 }),
      }),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        const heap = new Expirations(() => now);
        const model = new Map<number, { expiration: Expiration; at: number }>();
        const seen: number[] = [];
        list.forEach(({ kind, which, at }, id) => {
          const one = model.get([...model.keys()][which % Math.max(model.size, 1)] ?? -1);
          if (kind === 'add') {
            model.set(id, { at, expiration: heap.add(now + at, () => seen.push(id)) });
          } else if (kind === 'move' && one) {
            heap.move(one.expiration, now + at);
            one.at = at;
          } else if (kind === 'remove' && one) {
            heap.remove(one.expiration);
            for (const [key, value] of model) if (value === one) model.delete(key);
          }
        });
        for (let passed = 0; passed <= 1000; passed += 100) {
          now += 100;
          jest.advanceTimersByTime(500);
          const due = [...model].filter(([, { at }]) => at <= passed + 100).map(([id]) => id);
          expect([...seen].toSorted((a, b) => a - b)).toEqual(due);
        }
        const times = seen.map((id) => model.get(id)?.at ?? 0);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        expect(heap.size).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
