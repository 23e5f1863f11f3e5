/**
 * May the keys be fetched once more, for one that is not known? A rotation is served at once, or a second later while
 * invented names pour in; the flood itself costs the issuer {@link MOST} fetches, then one every ten seconds.
 */
import { LRUCache } from 'lru-cache';
import { monotonicSeconds } from '../timing/backoff.js';

/** So many fetches in a row, if nothing was asked for in the last minute. */
const MOST = 6;
const SECONDS_PER_FETCH = 10;
/** Fetches for unknown names stand so far apart, in seconds: a flood must not use up the budget in one moment. */
const MAX_TIME_APART = 1;
/** A name that was not there is not looked for again so soon, in seconds. */
const ABSENT_FOR = 10;
const MAX_ABSENT = 1000;
/** Names longer than this are not remembered: what is held stays small. */
const MAX_NAME_LENGTH = 256;

export class RefetchLimiter {
  #left = MOST;
  #countedAt = monotonicSeconds();
  #nextAt = 0;
  #turn: Promise<boolean> | undefined;
  readonly #apart: number;
  readonly #absentUntil = new LRUCache<string, number>({ max: MAX_ABSENT });

  /** @param responseTimeout who waits for a turn must have time left to ask, in seconds */
  constructor(responseTimeout: number) {
    this.#apart = Math.min(MAX_TIME_APART, responseTimeout / 3);
  }

  /** Whether to fetch; waits for the next turn, a second at most, so that one fetch serves all who came before it. */
  async spend(kid: string | undefined): Promise<boolean> {
    if (kid !== undefined && monotonicSeconds() < (this.#absentUntil.get(kid) ?? 0)) return false;
    const turn = (this.#turn ??= this.#takeToken());
    const may = await turn;
    if (this.#turn === turn) this.#turn = undefined;
    // Whoever finds the key does not ask again; whoever does not find it has asked in vain.
    if (may && kid !== undefined && kid.length <= MAX_NAME_LENGTH)
      this.#absentUntil.set(kid, monotonicSeconds() + ABSENT_FOR);
    return may;
  }

  async #takeToken(): Promise<boolean> {
    const now = monotonicSeconds();
    this.#left = Math.min(this.#left + (now - this.#countedAt) / SECONDS_PER_FETCH, MOST);
    this.#countedAt = now;
    if (this.#left < 1) return false;
    this.#left--;
    const wait = this.#nextAt - now;
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait * 1000).unref());
    this.#nextAt = monotonicSeconds() + this.#apart;
    return true;
  }
}
