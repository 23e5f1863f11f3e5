/**
 * The order in which requests go on: after all that arrived together have been read, those that need no signature first.
 *
 * To do the same for several requests, one after the other, is quicker than to do everything for each: a signature takes up
 * to twice as long between the reading of two requests as it does after another signature. Of those that arrive together
 * the first waits until the others have been read. A request does not wait where none arrived together with another lately.
 */
import { AsyncResource } from 'node:async_hooks';
import { setImmediate } from 'node:timers';
import { ProviderUnavailableError } from '../errors/auth.errors.js';

/** Signatures of one turn of the event loop end after this time, in milliseconds: an ES512 signature takes some three. */
const MAX_TURN_MS = 5;
/** And after so many, for work that ends in a later turn. */
const MAX_VERIFICATIONS_PER_TURN = 32;
/** Signatures that wait; a further one is refused. */
const MAX_WAITING = 10_000;

/** One for each module instance: applications of one process do not wait for one another. */
export class VerificationQueue {
  readonly #answers: (() => void)[] = [];
  readonly #verifications: (() => void)[] = [];
  #isScheduled = false;
  /** How many requests that only have to be answered came in this turn of the event loop, and in the one before. */
  #arrived = 0;
  #arrivedBefore = 0;
  /** How many signatures were to be verified, or were verified. */
  #begun = 0;
  #begunBefore = 0;
  /** The last of them in this turn. */
  #last: object | undefined;

  /**
   * For a request that only has to be answered: the others that arrive in this turn of the event loop are read first.
   *
   * @param request asks once for each of its fields in GraphQL, one after the other, and is counted once
   * @returns `undefined` if it need not wait: it is the first of this turn, and in the one before came one at the most
   */
  waitForBatch(request: object): Promise<void> | undefined {
    this.#schedule();
    if (request !== this.#last) this.#arrived++;
    this.#last = request;
    if (this.#arrived === 1 && this.#arrivedBefore <= 1) return undefined;
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  /**
   * Runs what verifies a signature: at once for a request that comes alone, else in the order of the calls, in this turn of
   * the event loop unless too many wait.
   * In the caller's asynchronous context: functions of the application are called on the way, and calls are traced.
   *
   * @throws {ProviderUnavailableError} if too many wait: this server cannot say whether the token is good; and what the work
   *   throws
   */
  verify<Result>(work: () => Result | Promise<Result>): Result | Promise<Result> {
    this.#schedule();
    const isFirst = ++this.#begun === 1 && this.#arrived === 0 && this.#verifications.length === 0;
    if (isFirst && this.#begunBefore <= 1 && this.#arrivedBefore <= 1) return work();
    if (this.#verifications.length >= MAX_WAITING) return Promise.reject(tooManyWaiting());
    // `AsyncResource.bind` does the same, and takes ten microseconds.
    const context = new AsyncResource('VERIFICATION');
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      };
      this.#verifications.push(() => context.runInAsyncScope(run));
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#takeTurn());
  }

  #takeTurn(): void {
    this.#arrivedBefore = this.#arrived;
    this.#arrived = 0;
    this.#begunBefore = this.#begun;
    this.#begun = 0;
    this.#last = undefined;
    const answers = this.#answers.splice(0);
    for (const answer of answers) answer();
    // What the answers lead to runs before the next turn.
    if (answers.length > 0 && this.#verifications.length > 0) setImmediate(() => this.#verifyForATurn());
    else this.#verifyForATurn();
  }

  #verifyForATurn(): void {
    const endsAt = performance.now() + MAX_TURN_MS;
    let done = 0;
    for (const verify of this.#verifications) {
      verify();
      if (++done === MAX_VERIFICATIONS_PER_TURN || performance.now() >= endsAt) break;
    }
    this.#verifications.splice(0, done);
    this.#begun += done;
    this.#isScheduled = false;
    // Who came since the turn began is counted in one of its own, also if nobody waits.
    if (this.#verifications.length > 0 || this.#arrived > 0 || this.#begun > 0) this.#schedule();
  }
}

function tooManyWaiting(): ProviderUnavailableError {
  const detail = `${MAX_WAITING} tokens wait for their signature to be verified`;
  return new ProviderUnavailableError({ detail, retryAfter: 1 });
}
