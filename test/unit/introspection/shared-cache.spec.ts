/** A cache that fails: left out, tried again, reported once. And the units of each kind of cache. */
import { SharedCache, type CacheOptions } from '../../../lib/introspection/shared-cache.js';
import { advanceClock, holdClock } from '../../support/clock.js';

class Cache {
  isUp = true;
  calls = 0;
  readonly entries = new Map<string, unknown>();
  readonly #answer = async <T>(value: () => T): Promise<T> => {
    this.calls++;
    if (!this.isUp) throw new Error('ECONNREFUSED with a secret address');
    return Promise.resolve(value());
  };
  get = (key: string) => this.#answer(() => this.entries.get(key));
  set = (key: string, value: string) => this.#answer(() => void this.entries.set(key, value));
  delete = (key: string) => this.#answer(() => this.entries.delete(key));
}

describe('SharedCache', () => {
  let cache: Cache;
  let lines: string[];
  let shared: SharedCache;
  beforeEach(() => {
    holdClock();
    cache = new Cache();
    lines = [];
    shared = new SharedCache(cache, { warn: (line) => lines.push(line) });
  });

  it('tells a miss from a cache that cannot be asked', async () => {
    await shared.set('key', 'value', 10);
    expect([await shared.get('key'), await shared.get('other')]).toEqual([
      { result: 'value' },
      { result: undefined },
    ]);
    cache.isUp = false;
    expect(await shared.get('key')).toBeUndefined();
  });

  it('leaves a cache alone that failed, and tries it again after the pause', async () => {
    cache.isUp = false;
    await shared.get('key');
    expect(cache.calls).toBe(1);
    await shared.get('key');
    expect([await shared.set('key', 'x', 1), await shared.delete('key'), cache.calls]).toEqual([
      false,
      false,
      1,
    ]);
    advanceClock(0.51);
    await shared.get('key');
    expect(cache.calls).toBe(2);
    cache.isUp = true;
    advanceClock(1.01);
    expect(await shared.set('key', 'value', 10)).toBe(true);
    expect(await shared.get('key')).toEqual({ result: 'value' });
    expect(cache.calls).toBe(4);
    expect(lines).toEqual([
      'the shared cache is bypassed while it fails (Error); tokens are introspected instead',
      'the shared cache works again',
    ]);
  });

  it('pauses 30 s at the most', async () => {
    cache.isUp = false;
    for (let i = 0; i < 20; i++) {
      await shared.get('key');
      advanceClock(30);
    }
    expect(cache.calls).toBe(20);
  });

  it('does not pause longer for calls that were under way when it began to fail', async () => {
    cache.isUp = false;
    await Promise.all(Array.from({ length: 20 }, () => shared.get('key')));
    advanceClock(0.51);
    const before = cache.calls;
    await shared.get('key');
    expect(cache.calls).toBe(before + 1);
  });

  it('does not wait for a cache that does not answer', async () => {
    cache.get = () => new Promise<never>(() => undefined);
    expect(await shared.get('key')).toBeUndefined();
  });

  it('takes the false of a Keyv for a failure', async () => {
    cache.set = () => Promise.resolve(false) as never;
    expect(await shared.set('key', 'value', 1)).toBe(false);
    expect(lines).toHaveLength(1);
  });

  const get = (): Promise<void> => Promise.resolve();
  it.each<
    [string, (set: (...args: unknown[]) => Promise<void>) => NonNullable<CacheOptions['cache']>, number]
  >([
    ['a ClaimsCache in seconds', (set) => ({ get, set, delete: get }), 5],
    ['a cache-manager Cache in milliseconds', (set) => ({ get, set, del: get }), 5000],
    ['a Keyv in milliseconds', (set) => ({ get, set, delete: get, opts: {} }), 5000],
  ])('tells %s how long a value lives', async (_, make, expected) => {
    const calls: unknown[][] = [];
    const set = (...args: unknown[]): Promise<void> => Promise.resolve(void calls.push(args));
    await new SharedCache(make(set), { warn: () => undefined }).set('key', 'value', 5);
    expect(calls).toEqual([['key', 'value', expected]]);
  });
});
