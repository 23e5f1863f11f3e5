/** One call with many callers: while it hangs, another attempt starts beside it, and the first good answer counts. */
import { monotonicSeconds } from './backoff.js';

/**
 * A caller that finds the latest attempt older than a second starts another one. The second is counted in steps: in a step
 * this process was able to read an answer, so that its own load does not look like a provider that hangs.
 */
const STEP_MS = 100;
const STEPS = 10;
/** Attempts under way at the same time. */
const MAX_ATTEMPTS = 8;

export interface CallObserver<Result> {
  /** Called before the callers have the result. @param askedAt when the attempt began, by the monotonic clock */
  readonly onAnswer: (result: Result, askedAt: number) => void;
  /** Called for each attempt that fails while there is no answer. @param isLast no other attempt is under way */
  readonly onFailure: (error: unknown, isLast: boolean) => void;
}

export class HedgedCall<Result> {
  /** The first good answer, or the failure of the last attempt. Its rejection is handled: a call may have no caller. */
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

  /** The result, for one more caller. */
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

  /** Later answers of other attempts are dropped: they may be older. */
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
