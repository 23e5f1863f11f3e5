/** What is known of tokens: bounded by their number and their characters, the least recently used goes first. */
import { LRUCache } from 'lru-cache';

/** Bounds of a map from tokens: tokens can be long. */
export function boundTokens(max: number): {
  readonly max: number;
  readonly maxSize: number;
  readonly sizeCalculation: (value: unknown, token: string) => number;
} {
  return { max, maxSize: max * 1500, sizeCalculation: (_value, token) => token.length };
}

const END = 32;

/**
 * For tokens that end in a signature: found by their end, which is quicker to look up than the whole, and then compared
 * as a whole. Of two with the same end, the later one is known.
 */
export class RememberedJwts<Known extends { readonly token: string }> {
  readonly #byEnd: LRUCache<string, Known>;

  constructor(max: number) {
    this.#byEnd = new LRUCache({ ...boundTokens(max), sizeCalculation: ({ token }) => token.length });
  }

  get(token: string): Known | undefined {
    const known = this.#byEnd.get(token.slice(-END));
    return known?.token === token ? known : undefined;
  }

  set(known: Known): void {
    this.#byEnd.set(known.token.slice(-END), known);
  }

  /** @returns how many were forgotten */
  forget(picks: (known: Known) => boolean): number {
    const picked = [...this.#byEnd.entries()].filter(([, known]) => picks(known));
    for (const [end] of picked) this.#byEnd.delete(end);
    return picked.length;
  }
}
