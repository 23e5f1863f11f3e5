/** Ends external work early. An `AbortSignal` costs more than the rest of a call, so one is created only where it is required. */
export class Cancellation {
  #reason: Error | undefined;
  #listener: ((reason: Error) => void) | undefined;
  #controller: AbortController | undefined;

  /** `undefined` while the work may go on. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** For `fetch` and `node:http`. */
  get signal(): AbortSignal {
    const controller = (this.#controller ??= new AbortController());
    if (this.#reason) controller.abort(this.#reason);
    return controller.signal;
  }

  /** Sets the listener, the only one. It is called at most once, and immediately if the work has already been cancelled. */
  onCancel(listener: (reason: Error) => void): void {
    this.#listener = listener;
    if (this.#reason) listener(this.#reason);
  }

  cancel(reason: Error): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#listener?.(reason);
    this.#controller?.abort(reason);
  }
}
