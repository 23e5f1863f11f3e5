/** Put-if-absent for a time, a share per key, and what is remembered of proofs that are past. */
import { MemoryReplayStore } from '../../../lib/binding/memory-replay-store.js';
import { advanceClock, holdClock } from '../../support/clock.js';
import { bytesKeptBy } from '../../support/kept-memory.js';

const addAll = (store: MemoryReplayStore, key: string, count: number, time = 0): number => {
  let added = 0;
  try {
    for (; added < count; added++) store.add(`${key}-${time}-${added}`, 100, { key, time });
  } catch {
    return added;
  }
  return added;
};

describe('MemoryReplayStore', () => {
  beforeEach(holdClock);

  it('takes an identifier once, until its time is over', () => {
    const store = new MemoryReplayStore();
    expect([store.add('a', 100), store.add('a', 100), store.add('b', 100)]).toEqual([true, false, true]);
    advanceClock(99.9);
    expect(store.add('a', 100)).toBe(false);
    advanceClock(0.2);
    expect([store.add('a', 100), store.add('a', 100)]).toEqual([true, false]);
  });

  it('takes an identifier again whose time is over behind one that lives longer', () => {
    const store = new MemoryReplayStore();
    const proof = { key: 'k', time: 1 };
    expect([store.add('long', 1000, proof), store.add('short', 10, proof)]).toEqual([true, true]);
    advanceClock(20);
    expect([store.add('short', 10, proof), store.add('long', 10, proof)]).toEqual([false, false]);
    expect(store.add('short', 10, { key: 'k', time: 2 })).toBe(true);
  });

  it('takes an identifier again at the very moment when its time is over', () => {
    holdClock();
    const store = new MemoryReplayStore();
    expect([store.add('long', 1000), store.add('short', 10)]).toEqual([true, true]);
    advanceClock(10);
    expect(store.add('short', 10)).toBe(true);
    const small = new MemoryReplayStore(1);
    expect(small.add('first', 10)).toBe(true);
    advanceClock(10);
    expect(small.add('second', 10)).toBe(true);
  });

  it('gives a key four times what is free, and the rest to others', () => {
    const store = new MemoryReplayStore(1000);
    expect(addAll(store, 'greedy', 2000)).toBe(800);
    expect(addAll(store, 'second', 2000)).toBe(160);
    expect(addAll(store, 'third', 2000)).toBe(32);
    expect(addAll(store, 'modest', 3)).toBe(3);
    expect(() => store.add('one more', 100, { key: 'greedy', time: 0 })).toThrow("the key's share");
  });

  it('gives the share back when the time is over', () => {
    const store = new MemoryReplayStore(1000);
    expect(addAll(store, 'greedy', 2000)).toBe(800);
    advanceClock(101);
    expect(addAll(store, 'greedy', 2000, 1)).toBe(800);
  });

  it('gives back no more of the share than is over', () => {
    const store = new MemoryReplayStore(1000);
    expect(store.add('short', 10, { key: 'greedy', time: 0 })).toBe(true);
    expect(addAll(store, 'greedy', 2000)).toBe(799);
    advanceClock(11);
    expect(addAll(store, 'greedy', 2000, 1)).toBe(1);
  });

  it('is full for all when nothing is free', () => {
    const store = new MemoryReplayStore(2);
    expect([addAll(store, 'a', 1), addAll(store, 'b', 1)]).toEqual([1, 1]);
    expect(() => store.add('c', 100, { key: 'c', time: 0 })).toThrow(/^the replay store is full$/);
    advanceClock(101);
    expect(store.add('c', 100, { key: 'c', time: 0 })).toBe(true);
  });

  it('knows a proof whose time is over, and tells it from a later one with the same identifier', () => {
    const store = new MemoryReplayStore();
    for (const time of [1000, 2000, 3000]) {
      expect(store.add('a', 100, { key: 'k', time })).toBe(true);
      advanceClock(101);
    }
    for (const time of [1000, 2000, 3000]) expect(store.add('a', 100, { key: 'k', time })).toBe(false);
  });

  it('refuses what is as old as a proof that it has forgotten, when there were too many', () => {
    const store = new MemoryReplayStore();
    expect(store.add('first', 100, { key: 'k', time: 1000 })).toBe(true);
    expect(addAll(store, 'k', 20_000, 2000)).toBe(20_000);
    advanceClock(101);
    const late = (time: number): boolean => store.add(`other-${time}`, 100, { key: 'k', time });
    expect([late(999), late(1000), late(1001)]).toEqual([false, false, true]);
    expect(store.add('first', 100, { key: 'k', time: 1000 })).toBe(false);
    expect(store.add('k-2000-0', 100, { key: 'k', time: 2000 })).toBe(false);
  });

  it('forgets no proof for others of which it does not know when they were made', () => {
    const store = new MemoryReplayStore();
    const first = { key: 'k', time: 1000 };
    expect(store.add('first', 100, first)).toBe(true);
    for (let i = 0; i <= 20_000; i++) store.add(`timeless-${i}`, 100);
    advanceClock(101);
    expect(store.add('first', 100, first)).toBe(false);
    expect(store.add('timeless-0', 100)).toBe(true);
  });

  it('keeps nothing of a key whose proofs are over', () => {
    const store = new MemoryReplayStore();
    const addAndExpire = (): void => {
      for (let i = 0; i < 20_000; i++) store.add(`proof-${i}`, 100, { key: `key-${i}`.padEnd(100) });
      advanceClock(101);
      expect(store.add('last', 100)).toBe(true);
    };
    expect(bytesKeptBy(addAndExpire)).toBeLessThan(1_000_000);
  });
});
