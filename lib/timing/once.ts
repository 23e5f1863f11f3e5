/** Work that is done once, for everybody who needs its result: also while it goes on, and also if it fails. */

type Outcome<Result> = { readonly value: Result | Promise<Result> } | { readonly error: unknown };

export class Once<Result> {
  #outcome: Outcome<Result> | undefined;

  /** The work is done, or under way. */
  get hasBegun(): boolean {
    return this.#outcome !== undefined;
  }

  /** Without a promise where the work has none, or is over. */
  get(work: () => Result | Promise<Result>): Result | Promise<Result> {
    this.#outcome ??= this.#begin(work);
    if ('error' in this.#outcome) throw this.#outcome.error;
    return this.#outcome.value;
  }

  #begin(work: () => Result | Promise<Result>): Outcome<Result> {
    let value: Result | Promise<Result>;
    try {
      value = work();
    } catch (error) {
      return { error };
    }
    if (value instanceof Promise) {
      value.then(
        (settled) => (this.#outcome = { value: settled }),
        (error: unknown) => (this.#outcome = { error }),
      );
    }
    return { value };
  }
}
