/** The issuer's name and its keys, from one fetch. The same object as before where the issuer changed nothing. */
import type { VerificationKey } from '../jose/verification-key.js';

/** A token without `kid` is tried against so many keys at the most. */
const MAX_CANDIDATES = 16;

export class IssuerKeySet {
  /** By algorithm, then by `kid`. Of names that are there only: callers invent others. */
  readonly #named = new Map<string, Map<string, readonly VerificationKey[]>>();

  constructor(
    readonly issuer: string,
    readonly keys: readonly VerificationKey[],
  ) {}

  /** The keys that may have signed a token: those of its name, or else those without one. */
  candidatesFor(alg: string, kid: string | undefined): readonly VerificationKey[] {
    const known = kid === undefined ? undefined : this.#named.get(alg)?.get(kid);
    if (known) return known;
    const fitting = this.keys.filter((key) => key.fits(alg, kid));
    const named = kid === undefined ? [] : fitting.filter((key) => key.kid === kid);
    const candidates = (named.length > 0 ? named : fitting).slice(0, MAX_CANDIDATES);
    if (kid !== undefined && named.length > 0) this.#remember(alg, kid, candidates);
    return candidates;
  }

  #remember(alg: string, kid: string, candidates: readonly VerificationKey[]): void {
    let ofAlgorithm = this.#named.get(alg);
    if (!ofAlgorithm) this.#named.set(alg, (ofAlgorithm = new Map<string, readonly VerificationKey[]>()));
    ofAlgorithm.set(kid, candidates);
  }
}
