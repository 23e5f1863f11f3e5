/** One call for all callers; while it hangs, another attempt beside it. */
import { jest } from '@jest/globals';
import { HedgedCall } from '../../../lib/timing/hedged-call.js';

interface Attempt {
  readonly answer: (text: string) => void;
  readonly fail: (error: Error) => void;
}

describe('HedgedCall', () => {
  let attempts: Attempt[];
  let heard: string[];

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['performance', 'Date', 'nextTick', 'setImmediate', 'queueMicrotask'] });
    attempts = [];
    heard = [];
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const begin = (): HedgedCall<string> =>
    new HedgedCall<string>(() => new Promise((answer, fail) => attempts.push({ answer, fail })), {
      onAnswer: (text) => heard.push(text),
      onFailure: (error, isLast) => heard.push(`${String(error)}${isLast ? ', the last' : ''}`),
    });

  it('makes one attempt, whoever joins it within a second', async () => {
    const call = begin();
    jest.advanceTimersByTime(900);
    const joined = [call.join(), call.join()];
    expect(attempts).toHaveLength(1);
    attempts[0]?.answer('good');
    expect(await Promise.all(joined)).toEqual(['good', 'good']);
    expect(heard).toEqual(['good']);
  });

  it('makes another attempt a second later, one for all who come then, and takes the first good answer', async () => {
    const call = begin();
    jest.advanceTimersByTime(1000);
    const joined = [call.result, call.join(), call.join()];
    expect(attempts).toHaveLength(2);
    attempts[1]?.answer('second');
    attempts[0]?.answer('first, and late');
    expect(await Promise.all(joined)).toEqual(['second', 'second', 'second']);
    expect(heard).toEqual(['second']);
  });

  it('makes no other attempt where nobody joins', () => {
    begin();
    jest.advanceTimersByTime(60_000);
    expect(attempts).toHaveLength(1);
  });

  it('has at most eight attempts under way', () => {
    const call = begin();
    for (let second = 0; second < 20; second++) {
      jest.advanceTimersByTime(1000);
      void call.join();
    }
    expect(attempts).toHaveLength(8);
  });

  it('fails with the last attempt, and says so of each', async () => {
    const call = begin();
    jest.advanceTimersByTime(1000);
    const joined = call.join();
    attempts[0]?.fail(new Error('slow'));
    await Promise.resolve();
    attempts[1]?.fail(new Error('quick'));
    await expect(joined).rejects.toThrow('quick');
    expect(heard).toEqual(['Error: slow', 'Error: quick, the last']);
  });

  it('leaves no timer and no rejection behind', async () => {
    const call = begin();
    attempts[0]?.fail(new Error('refused'));
    await expect(call.result).rejects.toThrow('refused');
    expect(jest.getTimerCount()).toBe(0);
  });
});
