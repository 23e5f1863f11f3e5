/** Indexes the revocations that this instance knows by the claims of tokens. */
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import {
  covers,
  isSameTarget,
  leadingKind,
  MATCH_KINDS,
  MATCHED_CLAIMS,
  type MatchKind,
  type Revocation,
} from './revocation.js';

/** Most buckets have one revocation, which is stored without a list. */
type Bucket = Revocation | Revocation[];

export class RevocationIndex {
  /** Oldest first. A revocation that lives longer than its successors only delays their removal. */
  readonly #all = new Set<Revocation>();
  readonly #byValue: Readonly<Record<MatchKind, Map<string, Bucket>>> = {
    jti: new Map(),
    sid: new Map(),
    sub: new Map(),
    email: new Map(),
    clientId: new Map(),
  };

  get size(): number {
    return this.#all.size;
  }

  values(): Iterable<Revocation> {
    return this.#all;
  }

  /**
   * Adds a revocation. Of several that apply to the same tokens, one is kept, with the latest times.
   *
   * @returns whether it rejects more tokens, or for longer, than the known ones
   */
  add(revocation: Revocation): boolean {
    const known = this.#bucketOf(revocation).find((each) => isSameTarget(each, revocation));
    if (!known) {
      this.#put(revocation);
      return true;
    }
    const before = Math.max(known.before, revocation.before);
    const until = Math.max(known.until, revocation.until);
    if (before === known.before && until === known.until) return false;
    this.#remove(known);
    const isLatest = before === revocation.before && until === revocation.until;
    this.#put(isLatest ? revocation : Object.freeze({ ...revocation, before, until }));
    return true;
  }

  /** @param now returns seconds since 1970; called only if a revocation applies to the token */
  find(claims: AccessTokenClaims, now: () => number): Revocation | undefined {
    for (const kind of MATCH_KINDS) {
      const map = this.#byValue[kind];
      if (map.size === 0) continue;
      for (const claim of MATCHED_CLAIMS[kind]) {
        const value = claims[claim];
        const bucket = typeof value === 'string' ? map.get(value) : undefined;
        if (bucket === undefined) continue;
        const found = listOf(bucket).find((each) => covers(each, claims) && each.until > now());
        if (found) return found;
      }
    }
    return undefined;
  }

  /**
   * Removes expired revocations.
   *
   * @param all also those after one that lives longer
   */
  expire(now: number, all = false): void {
    for (const revocation of this.#all) {
      if (revocation.until <= now) this.#remove(revocation);
      else if (!all) return;
    }
  }

  #bucketOf(revocation: Revocation): readonly Revocation[] {
    const [map, value] = this.#placeOf(revocation);
    const bucket = map.get(value);
    return bucket === undefined ? [] : listOf(bucket);
  }

  #put(revocation: Revocation): void {
    const [map, value] = this.#placeOf(revocation);
    const bucket = map.get(value);
    if (bucket === undefined) map.set(value, revocation);
    else if (Array.isArray(bucket)) bucket.push(revocation);
    else map.set(value, [bucket, revocation]);
    this.#all.add(revocation);
  }

  #remove(revocation: Revocation): void {
    const [map, value] = this.#placeOf(revocation);
    const others = this.#bucketOf(revocation).filter((each) => each !== revocation);
    const [only] = others;
    if (only === undefined) map.delete(value);
    else map.set(value, others.length === 1 ? only : others);
    this.#all.delete(revocation);
  }

  #placeOf(revocation: Revocation): [map: Map<string, Bucket>, value: string] {
    const kind = leadingKind(revocation) ?? 'jti';
    return [this.#byValue[kind], revocation.match[kind] ?? ''];
  }
}

function listOf(bucket: Bucket): readonly Revocation[] {
  return Array.isArray(bucket) ? bucket : [bucket];
}
