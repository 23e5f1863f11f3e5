/** An asynchronous iterator that can be ended from outside. */

interface Waiting {
  readonly resolve: (result: IteratorResult<unknown>) => void;
  readonly reject: (error: unknown) => void;
}

/** What a handler may return: an asynchronous iterator or iterable. */
export type Source = AsyncIterator<unknown> | AsyncIterable<unknown>;

export class EndableIterator implements AsyncIterableIterator<unknown> {
  readonly #source: AsyncIterator<unknown>;
  readonly #waiting = new Set<Waiting>();
  #isOver = false;
  /** The error of an end that no `next()` has reported yet. */
  #error: Error | undefined;

  /** @param onEnd called once, when the iteration is over for whatever reason */
  constructor(
    source: Source,
    private readonly onEnd: () => void,
  ) {
    this.#source = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source;
  }

  async next(): Promise<IteratorResult<unknown>> {
    if (this.#error) {
      const error = this.#error;
      this.#error = undefined;
      throw error;
    }
    if (this.#isOver) return { done: true, value: undefined };
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      this.#waiting.add(waiting);
      void this.#pull(waiting);
    });
  }

  async return(value?: unknown): Promise<IteratorResult<unknown>> {
    this.#close();
    return (await this.#source.return?.(value)) ?? { done: true, value };
  }

  async throw(error?: unknown): Promise<IteratorResult<unknown>> {
    this.#close();
    if (!this.#source.throw) throw error;
    return this.#source.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Rejects the pending calls of `next()` with the error, or else the next one. Ends the source without waiting for it. */
  end(error: Error): void {
    if (this.#isOver) return;
    this.#close();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    if (waiting.length === 0) this.#error = error;
    for (const { reject } of waiting) reject(error);
    void this.#endSource();
  }

  /** Drops the result if {@link EndableIterator.end} has already rejected the call. */
  async #pull(waiting: Waiting): Promise<void> {
    try {
      const result = await this.#source.next();
      if (!this.#waiting.delete(waiting)) return;
      if (result.done === true) this.#close();
      waiting.resolve(result);
    } catch (error) {
      if (!this.#waiting.delete(waiting)) return;
      this.#close();
      waiting.reject(error);
    }
  }

  /** A generator that awaits something ends only after that. */
  async #endSource(): Promise<void> {
    try {
      await this.#source.return?.();
    } catch {
      // The source is not used any more, whether it has ended or not.
    }
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.onEnd();
  }
}

export function isIterable(value: unknown): value is Source {
  if (typeof value !== 'object' || value === null) return false;
  return Symbol.asyncIterator in value || typeof (value as { next?: unknown }).next === 'function';
}
