import { jest } from '@jest/globals';
import * as fc from 'fast-check';
import { Expirations, type Expiring } from '../../../lib/timing/expirations.js';

interface Named extends Expiring {
  readonly name: string;
}

describe('Expirations', () => {
  let now = 0;
  let expirations: Expirations<Named>;
  const ended: string[] = [];

  beforeEach(() => {
    jest.useFakeTimers();
    now = 1_000_000;
    ended.length = 0;
    expirations = new Expirations(
      ({ name }) => ended.push(name),
      () => now,
    );
  });
  afterEach(() => {
    expirations.stop();
    jest.useRealTimers();
  });

  const add = (name: string, at: number): Named => {
    const item = { name };
    expirations.add(item, at);
    return item;
  };
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
    expect(expirations.remove(removed)).toBe(true);
    expect(expirations.remove(removed)).toBe(false);
    pass(5);
    expect(expirations.remove(kept)).toBe(false);
    expect(ended).toEqual(['kept']);
    expect(expirations.size).toBe(0);
  });

  it('moves a deadline in both directions', () => {
    const renewed = add('renewed', now + 5);
    const shortened = add('shortened', now + 50);
    expirations.add(renewed, now + 100);
    expirations.add(shortened, now + 1);
    expect(expirations.size).toBe(2);
    pass(5);
    expect(ended).toEqual(['shortened']);
    pass(95);
    expect(ended).toEqual(['shortened', 'renewed']);
    expect(expirations.size).toBe(0);
  });

  it('keeps what has no deadline, for as long as it is not removed, and no timer for it', () => {
    const endless = add('endless', Infinity);
    expect(jest.getTimerCount()).toBe(0);
    add('one', now + 5);
    expect(jest.getTimerCount()).toBe(1);
    pass(2 ** 33);
    expect(ended).toEqual(['one']);
    expect(jest.getTimerCount()).toBe(0);
    expect(expirations.items).toEqual([endless]);
    expirations.add(endless, now + 1);
    pass(1);
    expect(ended).toEqual(['one', 'endless']);
  });

  it('does not take the items of another heap for its own', () => {
    const others = new Expirations<Named>(
      () => undefined,
      () => now,
    );
    const item = add('item', now + 5);
    expect(others.remove(item)).toBe(false);
    const copy = { ...item, name: 'copy' };
    expect(expirations.remove(copy)).toBe(false);
    expirations.add(copy, now + 5);
    pass(5);
    expect(ended.toSorted()).toEqual(['copy', 'item']);
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
    expirations = new Expirations(
      ({ name }) => {
        ended.push(name);
        if (name !== 'first') return;
        expirations.remove(other);
        add('added', now);
      },
      () => now,
    );
    const other = add('other', now + 5);
    add('first', now + 1);
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
        const seen: number[] = [];
        const heap = new Expirations<Expiring & { readonly id: number }>(
          ({ id }) => seen.push(id),
          () => now,
        );
        const model = new Map<number, { readonly item: Expiring & { readonly id: number }; at: number }>();
        list.forEach(({ kind, which, at }, id) => {
          const one = model.get([...model.keys()][which % Math.max(model.size, 1)] ?? -1);
          if (kind === 'add') {
            const item = { id };
            model.set(id, { at, item });
            heap.add(item, now + at);
          } else if (kind === 'move' && one) {
            heap.add(one.item, now + at);
            one.at = at;
          } else if (kind === 'remove' && one) {
            heap.remove(one.item);
            model.delete(one.item.id);
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
