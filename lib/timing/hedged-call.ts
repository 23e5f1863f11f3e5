/** Shares one call among many callers. While an attempt hangs, another starts in parallel, and the first success counts. */
import { monotonicSeconds } from './backoff.js';

/**
 * A caller starts another attempt if the latest one is older than a second. The second is counted in steps of a timer: in each
 * step this process was able to read a response, so that its own load is not mistaken for a provider that hangs.
 */
const STEP_MS = 100;
const STEPS = 10;
/** The maximum number of concurrent attempts. */
const MAX_ATTEMPTS = 8;

export interface CallObserver<Result> {
  /** Called before the callers receive the result. @param askedAt when the attempt began, by the monotonic clock */
  readonly onAnswer: (result: Result, askedAt: number) => void;
  /** Called for each attempt that fails before one succeeds. @param isLast whether no other attempt is in progress */
  readonly onFailure: (error: unknown, isLast: boolean) => void;
}

export class HedgedCall<Result> {
  /** The first success, or the failure of the last attempt. Its rejection is handled, because a call may have no caller. */
  readonly result: Promise<Result>;
  readonly beganAt = monotonicSeconds();
  #steps = 0;
  #stepper: NodeJS.Timeout | undefined;
  #underWay = 0;
  #isOver = false;
  #resolve: (result: Result) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(
    private readonly call: () => Promise<Result>,
    private readonly observer: CallObserver<Result>,
  ) {
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.result.catch(() => undefined);
    this.#attempt();
  }

  /** Returns the result to a further caller, and starts another attempt if the latest one hangs. */
  join(): Promise<Result> {
    if (this.#steps >= STEPS && !this.#isOver && this.#underWay < MAX_ATTEMPTS) this.#attempt();
    return this.result;
  }

  #attempt(): void {
    const askedAt = monotonicSeconds();
    this.#underWay++;
    this.#steps = 0;
    this.#stepper ??= setInterval(() => this.#steps++, STEP_MS).unref();
    this.call().then(
      (result) => this.#answer(result, askedAt),
      (error: unknown) => this.#fail(error),
    );
  }

  /** Drops the later results of other attempts: they may be older. */
  #answer(result: Result, askedAt: number): void {
    if (this.#isOver) return;
    this.#end();
    this.observer.onAnswer(result, askedAt);
    this.#resolve(result);
  }

  #fail(error: unknown): void {
    this.#underWay--;
    if (this.#isOver) return;
    const isLast = this.#underWay === 0;
    if (isLast) this.#end();
    this.observer.onFailure(error, isLast);
    if (isLast) this.#reject(error);
  }

  #end(): void {
    this.#isOver = true;
    clearInterval(this.#stepper);
  }
}
