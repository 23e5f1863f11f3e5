/**
 * Introspection answers in the cache that instances share: sealed, under keys that do not reveal the token, with marks of
 * what was forgotten since.
 */
import { createHash } from 'node:crypto';
import { isObject } from '../jose/strict-json.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import type { ClaimsOptions } from '../token/check-claims.js';
import { FORGETTABLE, spellingOf, type ForgetSelector } from './forget-selector.js';
import type { Sealer } from './sealed-value.js';
import type { SharedCache } from './shared-cache.js';

/** An answer, whom it came from, and when it was asked for (seconds since 1970, by the clock of the instance that asked). */
export interface Answered {
  readonly issuer: string;
  readonly claims: AccessTokenClaims;
  readonly askedAt: number;
}

/** Clocks of two instances may differ by so much, in seconds. */
const CLOCK_MARGIN_SECONDS = 2;
const PREFIX = 'nestjs-resource-server:';

export class SharedAnswers {
  constructor(
    private readonly cache: SharedCache,
    private readonly sealer: Sealer,
    private readonly options: Pick<ClaimsOptions, 'audience'> & { readonly issuer: string },
  ) {}

  /** An answer that opens, has the right shape and was not forgotten meanwhile. Its claims are not checked. */
  async get(token: string): Promise<Answered | undefined> {
    const key = this.#keyOf(token);
    const text = this.sealer.open((await this.cache.get(key))?.result, token, key);
    const answered = text === undefined ? undefined : readAnswered(text);
    if (!answered) return undefined;
    return (await this.#isForgotten(token, answered)) ? undefined : answered;
  }

  /** @returns whether the cache took it */
  set(token: string, answered: Answered, ttlSeconds: number): Promise<boolean> {
    const key = this.#keyOf(token);
    return this.cache.set(key, this.sealer.seal(JSON.stringify(answered), token, key), ttlSeconds);
  }

  /** @returns whether the cache answered */
  delete(token: string): Promise<boolean> {
    return this.cache.delete(this.#keyOf(token));
  }

  /**
   * Marks what must not be taken from the cache any more.
   *
   * @param ttlSeconds how long answers live in the cache
   * @returns whether the cache took it
   */
  mark(selector: ForgetSelector, forgottenAt: number, ttlSeconds: number): Promise<boolean> {
    const [[kind, value] = ['', '']] = Object.entries(selector);
    const mark = this.#markOf(kind, kind === 'token' ? spellingOf(value) : value);
    return this.cache.set(mark, String(forgottenAt), ttlSeconds + CLOCK_MARGIN_SECONDS);
  }

  async #isForgotten(token: string, { claims, askedAt }: Answered): Promise<boolean> {
    const marks = [this.#markOf('token', spellingOf(token))];
    for (const [kind, claim] of Object.entries(FORGETTABLE)) {
      const value = claims[claim];
      if (typeof value === 'string') marks.push(this.#markOf(kind, value));
    }
    const answers = await Promise.all(marks.map((mark) => this.cache.get(mark)));
    // A mark that cannot be read may be there.
    return answers.some((answer) => {
      if (!answer) return true;
      if (answer.result === undefined || answer.result === null) return false;
      return !(Number(answer.result) + CLOCK_MARGIN_SECONDS < askedAt);
    });
  }

  /** By hash: what leaves the process never reveals the token. Another API, or another issuer, has other keys. */
  #keyOf(token: string): string {
    const { issuer, audience } = this.options;
    return (
      PREFIX +
      createHash('sha256')
        .update(JSON.stringify([token, issuer, audience]))
        .digest('base64url')
    );
  }

  /** Under the secret, too: readers of the cache cannot try out whose tokens were forgotten. */
  #markOf(kind: string, value: string): string {
    return PREFIX + this.sealer.nameOf(JSON.stringify([this.options.issuer, 'forgotten', kind, value]));
  }
}

/** It was sealed by an instance with the same secret, but perhaps of another version: its shape is checked. */
function readAnswered(text: string): Answered | undefined {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) return undefined;
  const { issuer, claims, askedAt } = value;
  if (typeof issuer !== 'string' || !isObject(claims) || typeof askedAt !== 'number') return undefined;
  return { issuer, claims: claims as AccessTokenClaims, askedAt };
}
