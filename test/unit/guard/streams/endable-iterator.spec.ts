import { EndableIterator, isIterable } from '../../../../lib/guard/streams/endable-iterator.js';

/** Hands over what it is told to, and remembers how it was ended. */
class Source implements AsyncIterator<unknown> {
  readonly #waiting: ((result: IteratorResult<unknown>) => void)[] = [];
  returned = 0;
  next(): Promise<IteratorResult<unknown>> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  give(value: unknown, done = false): void {
    this.#waiting.shift()?.({ value, done });
  }
  async return(): Promise<IteratorResult<unknown>> {
    this.returned++;
    return { done: true, value: undefined };
  }
}

describe('EndableIterator', () => {
  const make = (source: AsyncIterator<unknown> | AsyncIterable<unknown> = new Source()) => {
    let ends = 0;
    const iterator = new EndableIterator(source, () => ends++);
    return { iterator, ends: () => ends };
  };
  const OVER = { done: true, value: undefined };

  it('hands over what the source hands over, and ends with it, once', async () => {
    const source = new Source();
    const { iterator, ends } = make(source);
    const first = iterator.next();
    source.give(1);
    expect(await first).toEqual({ done: false, value: 1 });
    const last = iterator.next();
    source.give(undefined, true);
    expect(await last).toEqual(OVER);
    expect(await iterator.next()).toEqual(OVER);
    await iterator.return();
    iterator.end(new Error('late'));
    expect(await iterator.next()).toEqual(OVER);
    expect(ends()).toBe(1);
  });

  it('rejects who waits, tells the source, and says nothing twice', async () => {
    const source = new Source();
    const { iterator, ends } = make(source);
    const waiting = [iterator.next(), iterator.next()];
    iterator.end(new Error('over'));
    iterator.end(new Error('again'));
    await expect(waiting[0]).rejects.toThrow('over');
    await expect(waiting[1]).rejects.toThrow('over');
    expect(await iterator.next()).toEqual(OVER);
    // What the source hands over now, nobody hears.
    source.give(1);
    expect([source.returned, ends()]).toEqual([1, 1]);
  });

  it('keeps the error for who asks next', async () => {
    const { iterator } = make();
    iterator.end(new Error('over'));
    await expect(iterator.next()).rejects.toThrow('over');
    expect(await iterator.next()).toEqual(OVER);
  });

  it('does not wait for a source that does not end, and bears one that fails to', async () => {
    for (const fail of [
      (): Promise<never> => new Promise<never>(() => undefined),
      (): Promise<never> => Promise.reject(new Error('cannot')),
      (): never => {
        throw new Error('cannot');
      },
    ]) {
      const { iterator } = make({ next: () => new Promise(() => undefined), return: fail });
      const waiting = iterator.next();
      iterator.end(new Error('over'));
      await expect(waiting).rejects.toThrow('over');
    }
  });

  it('ends when the source fails', async () => {
    const { iterator, ends } = make({ next: () => Promise.reject(new Error('broken')) });
    await expect(iterator.next()).rejects.toThrow('broken');
    expect(ends()).toBe(1);
    expect(await iterator.next()).toEqual(OVER);
  });

  it('returns and throws into the source, where it can', async () => {
    const source = new Source();
    const first = make(source);
    expect(await first.iterator.return()).toEqual(OVER);
    expect([source.returned, first.ends()]).toEqual([1, 1]);
    const bare = make({ next: async () => ({ done: false, value: 1 }) });
    expect(await bare.iterator.return('x')).toEqual({ done: true, value: 'x' });
    const second = make({ next: async () => ({ done: false, value: 1 }) });
    await expect(second.iterator.throw(new Error('thrown'))).rejects.toThrow('thrown');
    expect(second.ends()).toBe(1);
  });

  it('iterates over iterables and iterators', async () => {
    async function* numbers(): AsyncGenerator<number> {
      yield 1;
      yield 2;
    }
    const seen: unknown[] = [];
    for await (const value of make(numbers()).iterator) seen.push(value);
    for await (const value of make({ [Symbol.asyncIterator]: numbers }).iterator) seen.push(value);
    expect(seen).toEqual([1, 2, 1, 2]);
    expect([numbers(), { next: () => 1 }, {}, null, 'text', [1]].map(isIterable)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
