/** Who shares a call with whom. */
import { SingleFlight } from '../../../lib/timing/single-flight.js';
import { advanceClock, holdClock } from '../../support/clock.js';

/** Calls that end when they are told to. */
class Calls {
  readonly #ends: ((value: string) => void)[] = [];
  readonly #fails: ((error: Error) => void)[] = [];
  readonly begin = (): Promise<string> =>
    new Promise((resolve, reject) => {
      this.#ends.push(resolve);
      this.#fails.push(reject);
    });
  get count(): number {
    return this.#ends.length;
  }
  end(call: number): void {
    this.#ends[call]?.(`answer ${call}`);
  }
  fail(call: number): void {
    this.#fails[call]?.(new Error(`failure ${call}`));
  }
}

describe('SingleFlight', () => {
  let calls: Calls;
  let flights: SingleFlight<string>;
  beforeEach(() => {
    holdClock();
    calls = new Calls();
    flights = new SingleFlight();
  });
  const run = (maxAge?: number, key = 'key'): Promise<string> => flights.run(key, calls.begin, maxAge);

  it('shares a call by key, and begins another one after it', async () => {
    const [first, second, other] = [run(), run(), run(undefined, 'other')];
    expect(calls.count).toBe(2);
    calls.end(0);
    calls.end(1);
    expect(await Promise.all([first, second, other])).toEqual(['answer 0', 'answer 0', 'answer 1']);
    void run();
    expect(calls.count).toBe(3);
  });

  it('shares a failure, and keeps none', async () => {
    const [first, second] = [run(), run()];
    calls.fail(0);
    await expect(first).rejects.toThrow('failure 0');
    await expect(second).rejects.toThrow('failure 0');
    const third = run();
    calls.end(1);
    expect(await third).toBe('answer 1');
  });

  it('has callers wait for the next call, which they share, where this one began too early', async () => {
    const first = run();
    advanceClock(3);
    expect(calls.count).toBe(1);
    const [young, second, third] = [run(5), run(2), run(0)];
    calls.end(0);
    expect([await first, await young]).toEqual(['answer 0', 'answer 0']);
    await new Promise(setImmediate);
    expect(calls.count).toBe(2);
    calls.end(1);
    expect(await Promise.all([second, third])).toEqual(['answer 1', 'answer 1']);
  });

  it('begins the next call also after one that failed', async () => {
    const first = run();
    advanceClock(1);
    const second = run(0);
    calls.fail(0);
    await expect(first).rejects.toThrow('failure 0');
    await new Promise(setImmediate);
    calls.end(1);
    expect(await second).toBe('answer 1');
  });

  it('joins nobody to calls from before it was detached', async () => {
    const first = run();
    flights.detach();
    const second = run();
    expect(calls.count).toBe(2);
    calls.end(0);
    expect(await first).toBe('answer 0');
    // The end of the older call does not detach the younger one.
    const third = run();
    expect(calls.count).toBe(2);
    calls.end(1);
    expect(await Promise.all([second, third])).toEqual(['answer 1', 'answer 1']);
  });
});
