/** Holds the issuer's identifier and its keys from one fetch. If the issuer changed nothing, the previous object is reused. */
import type { VerificationKey } from '../jose/verification-key.js';

/** The maximum number of keys that are tried for a token: each costs a signature verification. */
const MAX_CANDIDATES = 8;

/** The keys that may have signed a token. */
export interface Candidates {
  readonly keys: readonly VerificationKey[];
  /** Whether the set has a key with the token's `kid`. If so, a rotation cannot explain a signature that does not verify. */
  readonly isNamed: boolean;
}

export class IssuerKeySet {
  /** By `kid`. Contains only the names of the set, because clients can invent others. */
  readonly #named = new Map<string, readonly VerificationKey[]>();
  readonly #unnamed: readonly VerificationKey[];
  /** By algorithm, then by `kid`. */
  readonly #candidates = new Map<string, Map<string, Candidates>>();

  constructor(
    readonly issuer: string,
    readonly keys: readonly VerificationKey[],
  ) {
    for (const key of keys) {
      if (typeof key.kid === 'string') this.#named.set(key.kid, [...(this.#named.get(key.kid) ?? []), key]);
    }
    this.#unnamed = keys.filter((key) => key.kid === undefined);
  }

  /**
   * Returns the keys with the token's `kid` that fit its algorithm, or else those without `kid`. A token without `kid` may have
   * been signed by any key that fits.
   */
  candidatesFor(alg: string, kid: string | undefined): Candidates {
    // All names that the set does not have share one entry.
    const name = kid === undefined ? 'any' : this.#named.has(kid) ? `named ${kid}` : 'unknown';
    let ofAlgorithm = this.#candidates.get(alg);
    if (!ofAlgorithm) this.#candidates.set(alg, (ofAlgorithm = new Map<string, Candidates>()));
    let candidates = ofAlgorithm.get(name);
    if (!candidates) ofAlgorithm.set(name, (candidates = this.#findCandidates(alg, kid)));
    return candidates;
  }

  #findCandidates(alg: string, kid: string | undefined): Candidates {
    const fitting = (keys: readonly VerificationKey[]): readonly VerificationKey[] =>
      keys.filter((key) => key.fits(alg)).slice(0, MAX_CANDIDATES);
    if (kid === undefined) return { keys: fitting(this.keys), isNamed: false };
    const named = this.#named.get(kid);
    const ofName = fitting(named ?? []);
    return { keys: ofName.length > 0 ? ofName : fitting(this.#unnamed), isNamed: named !== undefined };
  }
}
