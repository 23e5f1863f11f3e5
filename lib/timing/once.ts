/** Runs work once and shares its outcome among all callers, also while it runs, and also if it fails. */

type Outcome<Result> = { readonly value: Result | Promise<Result> } | { readonly error: unknown };

export class Once<Result> {
  #outcome: Outcome<Result> | undefined;

  /** Whether the work has started or finished. */
  get hasBegun(): boolean {
    return this.#outcome !== undefined;
  }

  /** Returns the result, without a promise if the work is synchronous or has finished. */
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
