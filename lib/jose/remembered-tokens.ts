/** Caches results by token, bounded by the number of tokens and their characters. The least recently used is evicted first. */
import { LRUCache } from 'lru-cache';

const END = 32;
/** The average length of a token, in characters. */
const AVERAGE_TOKEN_LENGTH = 1500;

/**
 * Looks up a token by its end, which is faster than by the whole token, and then compares the whole token. The end of a
 * signature or of a random token is unique; a token whose end is already taken is stored under the whole token.
 */
export class RememberedTokens<Known extends { readonly token: string }> {
  /** Created for the first token: a map allocates its memory at once, and many issuers never cache anything. */
  #byEnd: LRUCache<string, Known> | undefined;
  #byWhole: LRUCache<string, Known> | undefined;

  constructor(private readonly max: number) {}

  get(token: string): Known | undefined {
    const known = this.#byEnd?.get(token.slice(-END));
    if (known?.token === token) return known;
    return this.#byWhole?.get(token);
  }

  set(known: Known): void {
    const { token } = known;
    const end = token.slice(-END);
    const byEnd = (this.#byEnd ??= this.#makeMap());
    const other = byEnd.peek(end);
    if (other && other.token !== token) {
      (this.#byWhole ??= this.#makeMap()).set(token, known);
    } else {
      byEnd.set(end, known);
      this.#byWhole?.delete(token);
    }
  }

  /** @returns whether the token was cached */
  delete(token: string): boolean {
    const end = token.slice(-END);
    const isByEnd = this.#byEnd?.peek(end)?.token === token && this.#byEnd.delete(end);
    return this.#byWhole?.delete(token) === true || isByEnd;
  }

  /** @returns the tokens that were removed */
  forget(picks: (known: Known) => boolean): readonly string[] {
    const picked = [...(this.#byEnd?.values() ?? []), ...(this.#byWhole?.values() ?? [])].filter(picks);
    const tokens = [...new Set(picked.map(({ token }) => token))];
    for (const token of tokens) this.delete(token);
    return tokens;
  }

  #makeMap(): LRUCache<string, Known> {
    const { max } = this;
    const maxSize = max * AVERAGE_TOKEN_LENGTH;
    return new LRUCache({ max, maxSize, sizeCalculation: ({ token }) => token.length });
  }
}
