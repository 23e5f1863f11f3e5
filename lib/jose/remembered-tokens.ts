/** What is known of tokens: bounded by their number and their characters, the least recently used goes first. */
import { LRUCache } from 'lru-cache';

const END = 32;
/** Characters of a token, on average. */
const AVERAGE_TOKEN_LENGTH = 1500;

/**
 * Found by the end of the token, which is quicker to look up than the whole, and then compared as a whole. The end of a
 * signature, or of a random token, is one of a kind; tokens whose end is taken are found by the whole.
 */
export class RememberedTokens<Known extends { readonly token: string }> {
  /** Made for the first token: a map takes its room at once, and many issuers never remember anything. */
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

  /** @returns whether it was known */
  delete(token: string): boolean {
    const end = token.slice(-END);
    const isByEnd = this.#byEnd?.peek(end)?.token === token && this.#byEnd.delete(end);
    return this.#byWhole?.delete(token) === true || isByEnd;
  }

  /** @returns those that were forgotten */
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
