/**
 * Orders concurrent requests: those that need no signature verification proceed first, after all of them have been read.
 *
 * The same step for several requests in a row is faster than all steps for each request: a verification between the reading
 * of two requests takes up to twice as long as one that follows another verification. The first of several requests that
 * arrive together therefore waits until the others have been read. If none have arrived together lately, no request waits.
 */
import { AsyncResource } from 'node:async_hooks';
import { setImmediate } from 'node:timers';
import { ProviderUnavailableError } from '../errors/auth.errors.js';

/** No further verification starts after this time in a turn of the event loop, in milliseconds. An ES512 one takes about three. */
const MAX_TURN_MS = 5;
/** The maximum number of verifications per turn, because the time limit does not measure work that ends in a later turn. */
const MAX_VERIFICATIONS_PER_TURN = 32;
/** The maximum number of waiting verifications; further ones are rejected. */
const MAX_WAITING = 10_000;

/** Created once per module instance: the applications of one process do not wait for each other. */
export class VerificationQueue {
  readonly #answers: (() => void)[] = [];
  readonly #verifications: (() => void)[] = [];
  #isScheduled = false;
  /** The number of requests whose checks were completed in this turn of the event loop, and in the previous one. */
  #arrived = 0;
  #arrivedBefore = 0;
  /** The number of signatures that were to be verified, or were verified, in this turn and in the previous one. */
  #begun = 0;
  #begunBefore = 0;
  /** The last request whose checks were completed in this turn. */
  #last: object | undefined;

  /**
   * Makes a request whose checks are complete wait until the others that arrive in this turn of the event loop are read.
   *
   * @param request counted once, though GraphQL calls this for each of its fields, one after the other
   * @returns `undefined` if the request need not wait: it is the first of this turn, and the previous turn had at most one
   */
  waitForBatch(request: object): Promise<void> | undefined {
    this.#schedule();
    if (request !== this.#last) this.#arrived++;
    this.#last = request;
    if (this.#arrived === 1 && this.#arrivedBefore <= 1) return undefined;
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  /**
   * Runs work that verifies a signature: at once for a request that arrives alone, otherwise in the order of the calls, in this
   * turn of the event loop unless its limits are reached. The work runs in the caller's asynchronous context, because it calls
   * functions of the application, and calls are traced.
   *
   * @throws {ProviderUnavailableError} if too many wait, because the validity of the token is unknown; and the errors of the
   *   work
   */
  verify<Result>(work: () => Result | Promise<Result>): Result | Promise<Result> {
    this.#schedule();
    const isFirst = ++this.#begun === 1 && this.#arrived === 0 && this.#verifications.length === 0;
    if (isFirst && this.#begunBefore <= 1 && this.#arrivedBefore <= 1) return work();
    if (this.#verifications.length >= MAX_WAITING) return Promise.reject(tooManyWaiting());
    // `AsyncResource.bind` does the same, but takes ten microseconds.
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
    // The requests that were released proceed before the next turn.
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
    // Requests that arrived since the turn began are counted in a turn of their own, even if none waits.
    if (this.#verifications.length > 0 || this.#arrived > 0 || this.#begun > 0) this.#schedule();
  }
}

function tooManyWaiting(): ProviderUnavailableError {
  const detail = `${MAX_WAITING} tokens wait for their signature to be verified`;
  return new ProviderUnavailableError({ detail, retryAfter: 1 });
}
