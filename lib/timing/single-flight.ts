/** Shares one call among the callers that ask for the same thing at the same time. */
import { monotonicSeconds } from './backoff.js';

interface Flight<Result> {
  readonly result: Promise<Result>;
  readonly beganAt: number;
  /** The flight after this one, for callers to whom this one began too early. */
  next?: Promise<Result>;
}

export class SingleFlight<Result> {
  readonly #flights = new Map<string, Flight<Result>>();

  /**
   * Joins the flight under way, or begins one. No flight is tied to the caller that began it.
   *
   * @param maxAge a flight that began longer ago, in seconds, is not joined: the next one begins when it has ended
   */
  run(key: string, begin: () => Promise<Result>, maxAge = Infinity): Promise<Result> {
    const flight = this.#flights.get(key);
    if (!flight) return this.#begin(key, begin);
    if (monotonicSeconds() - flight.beganAt <= maxAge) return flight.result;
    const beginNext = (): Promise<Result> => this.run(key, begin);
    return (flight.next ??= flight.result.then(beginNext, beginNext));
  }

  /** Later callers join none of the flights that are under way now. */
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
