/**
 * Caches tokens for other APIs. The cache is bounded, removes the least recently used token first, and replaces tokens before
 * they expire. Concurrent callers that need the same token share one request.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { monotonicSeconds } from '../timing/backoff.js';
import { SingleFlight } from '../timing/single-flight.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import type { IssuedToken } from './token-answer.js';

/** The caller whose token was exchanged. */
export interface Subject {
  readonly token: string;
  readonly claims: AccessTokenClaims;
}

interface Held {
  readonly accessToken: string;
  readonly subject: Subject | undefined;
  /** By the monotonic clock, which cannot be set. */
  readonly until: number;
  /** By the wall clock, which goes on while the process is suspended. */
  readonly untilWall: number;
}

const MAX_TOKENS = 10_000;
/** The average number of characters of a token for another API and the caller's token together. */
const AVERAGE_LENGTH = 3000;
/** The number of seconds before its expiry at which a token is replaced; with a short lifetime, at nine tenths of it. */
const MARGIN_SECONDS = 30;
const MARGIN_SHARE = 0.1;
/** The maximum time in the cache, in seconds, also for tokens with a longer lifetime. */
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
   * Returns the token that is cached under a key, otherwise the result of the request; without a promise if it is cached.
   *
   * @param key identifies the issuer, the caller's token and the target; no other combination has the same key
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

  /** @returns the number of removed tokens. The results of requests in progress are not cached. */
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
    // The lifetime may begin before the response arrives.
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
