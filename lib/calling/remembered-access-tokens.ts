/**
 * Remembers tokens for other APIs: bounded, the least recently used goes first, never until they expire. Concurrent callers
 * that need the same token share one request.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { monotonicSeconds } from '../timing/backoff.js';
import { SingleFlight } from '../timing/single-flight.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import type { IssuedToken } from './token-answer.js';

/** Whose token was exchanged. */
export interface Subject {
  readonly token: string;
  readonly claims: AccessTokenClaims;
}

interface Held {
  readonly accessToken: string;
  readonly subject: Subject | undefined;
  /** By the monotonic clock, which nobody sets. */
  readonly until: number;
  /** By the wall clock, which goes on while the process is suspended. */
  readonly untilWall: number;
}

const MAX_TOKENS = 10_000;
/** Characters of a token for another API and of the caller's, on average. */
const AVERAGE_LENGTH = 3000;
/** A token is replaced so many seconds before it expires, or at nine tenths of a short life. */
const MARGIN_SECONDS = 30;
const MARGIN_SHARE = 0.1;
/** Tokens that live longer are requested anew all the same, in seconds. */
const MAX_LIFETIME_SECONDS = 86_400;

export class RememberedAccessTokens {
  readonly #held = new LRUCache<string, Held>({
    max: MAX_TOKENS,
    maxSize: MAX_TOKENS * AVERAGE_LENGTH,
    sizeCalculation: ({ accessToken, subject }) => accessToken.length + (subject?.token.length ?? 0),
  });
  readonly #requests = new SingleFlight<string>();
  #forgotten = 0;

  get size(): number {
    return this.#held.size;
  }

  /**
   * The token that is remembered under a key, else what the request brings; without a promise when it is at hand.
   *
   * @param key names the issuer, the caller's token and the target, and nothing else can have the same
   */
  get(
    key: readonly unknown[],
    subject: Subject | undefined,
    request: () => Promise<IssuedToken>,
  ): string | Promise<string> {
    const hash = createHash('sha256').update(JSON.stringify(key)).digest('base64url');
    const held = this.#held.get(hash);
    if (held && isCurrent(held)) return held.accessToken;
    return this.#requests.run(hash, () => this.#request(hash, subject, request));
  }

  /** @returns how many were forgotten. Requests that are under way are not remembered. */
  forget(picks: (token: string, claims: AccessTokenClaims) => boolean): number {
    this.#forgotten++;
    this.#requests.detach();
    let forgotten = 0;
    for (const [hash, { subject }] of this.#held.entries()) {
      if (subject && picks(subject.token, subject.claims) && this.#held.delete(hash)) forgotten++;
    }
    return forgotten;
  }

  async #request(
    hash: string,
    subject: Subject | undefined,
    request: () => Promise<IssuedToken>,
  ): Promise<string> {
    const forgotten = this.#forgotten;
    // The lifetime may begin before the answer arrives.
    const [askedAt, askedAtWall] = [monotonicSeconds(), wallSeconds()];
    const { accessToken, expiresIn } = await request();
    this.#held.delete(hash);
    if (expiresIn !== undefined && forgotten === this.#forgotten) {
      const lifetime = Math.min(expiresIn, MAX_LIFETIME_SECONDS);
      const usable = lifetime - Math.min(MARGIN_SECONDS, lifetime * MARGIN_SHARE);
      this.#held.set(hash, {
        accessToken,
        subject,
        until: askedAt + usable,
        untilWall: askedAtWall + usable,
      });
    }
    return accessToken;
  }
}

function isCurrent({ until, untilWall }: Held): boolean {
  return monotonicSeconds() < until && wallSeconds() < untilWall;
}

function wallSeconds(): number {
  return Date.now() / 1000;
}
