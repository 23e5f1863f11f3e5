/** Shares one call among concurrent callers with the same key. */
import { monotonicSeconds } from './backoff.js';

interface Flight<Result> {
  readonly result: Promise<Result>;
  readonly beganAt: number;
  /** The flight that follows, for callers for which this one began too early. */
  next?: Promise<Result>;
}

export class SingleFlight<Result> {
  readonly #flights = new Map<string, Flight<Result>>();

  /**
   * Joins the flight that is in progress, or begins one. A flight does not depend on the caller that began it.
   *
   * @param maxAge a flight that began longer ago than this, in seconds, is not joined: the next one begins after it
   */
  run(key: string, begin: () => Promise<Result>, maxAge = Infinity): Promise<Result> {
    const flight = this.#flights.get(key);
    if (!flight) return this.#begin(key, begin);
    if (monotonicSeconds() - flight.beganAt <= maxAge) return flight.result;
    const beginNext = (): Promise<Result> => this.run(key, begin);
    return (flight.next ??= flight.result.then(beginNext, beginNext));
  }

  /** Later callers do not join the flights that are in progress now. */
  detach(): void {
    this.#flights.clear();
  }

  #begin(key: string, begin: () => Promise<Result>): Promise<Result> {
    const result = begin().finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    const flight: Flight<Result> = { result, beganAt: monotonicSeconds() };
    this.#flights.set(key, flight);
    return result;
  }
}
