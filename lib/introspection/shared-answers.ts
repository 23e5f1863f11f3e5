/**
 * Stores introspection responses in the cache that instances share: encrypted, under keys that do not reveal the token, with
 * marks for tokens that were removed since.
 */
import { createHash } from 'node:crypto';
import { isObject } from '../jose/strict-json.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import type { ClaimsOptions } from '../token/check-claims.js';
import { FORGETTABLE, spellingOf, type ForgetSelector } from './forget-selector.js';
import type { Sealer } from './sealed-value.js';
import type { SharedCache } from './shared-cache.js';

/** A response, its issuer, and when it was requested (seconds since 1970, by the clock of the instance that requested it). */
export interface Answered {
  readonly issuer: string;
  readonly claims: AccessTokenClaims;
  readonly askedAt: number;
}

/** The tolerated difference between the clocks of two instances, in seconds. */
const CLOCK_MARGIN_SECONDS = 2;
const PREFIX = 'nestjs-resource-server:';

export class SharedAnswers {
  constructor(
    private readonly cache: SharedCache,
    private readonly sealer: Sealer,
    private readonly options: Pick<ClaimsOptions, 'audience'> & { readonly issuer: string },
  ) {}

  /** Returns a response that can be decrypted, has the right shape and is not marked as removed. Its claims are not checked. */
  async get(token: string): Promise<Answered | undefined> {
    const key = this.#keyOf(token);
    const text = this.sealer.open((await this.cache.get(key))?.result, token, key);
    const answered = text === undefined ? undefined : readAnswered(text);
    if (!answered) return undefined;
    return (await this.#isForgotten(token, answered)) ? undefined : answered;
  }

  /** @returns whether the cache accepted the value */
  set(token: string, answered: Answered, ttlSeconds: number): Promise<boolean> {
    const key = this.#keyOf(token);
    return this.cache.set(key, this.sealer.seal(JSON.stringify(answered), token, key), ttlSeconds);
  }

  /** @returns whether the cache responded */
  delete(token: string): Promise<boolean> {
    return this.cache.delete(this.#keyOf(token));
  }

  /**
   * Marks responses that must no longer be read from the cache.
   *
   * @param ttlSeconds how long responses remain in the cache
   * @returns whether the cache accepted the mark
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
    // A mark that cannot be read may exist.
    return answers.some((answer) => {
      if (!answer) return true;
      if (answer.result === undefined || answer.result === null) return false;
      return !(Number(answer.result) + CLOCK_MARGIN_SECONDS < askedAt);
    });
  }

  /** Returns a hash, so that the key does not reveal the token. Another API, or another issuer, has other keys. */
  #keyOf(token: string): string {
    const { issuer, audience } = this.options;
    return (
      PREFIX +
      createHash('sha256')
        .update(JSON.stringify([token, issuer, audience]))
        .digest('base64url')
    );
  }

  /** Depends on the secret too, so that readers of the cache cannot find out by trial whose tokens were removed. */
  #markOf(kind: string, value: string): string {
    return PREFIX + this.sealer.nameOf(JSON.stringify([this.options.issuer, 'forgotten', kind, value]));
  }
}

/** Checks the shape of the value: the instance that wrote it has the same secret, but may run another version. */
function readAnswered(text: string): Answered | undefined {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) return undefined;
  const { issuer, claims, askedAt } = value;
  if (typeof issuer !== 'string' || !isObject(claims) || typeof askedAt !== 'number') return undefined;
  return { issuer, claims: claims as AccessTokenClaims, askedAt };
}
