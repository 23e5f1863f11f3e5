/** Checks that a DPoP proof was made recently. RFC 9449 section 4.3 (10 and 11), section 11.1. */
import { trueTime, type ClaimsOptions } from '../token/check-claims.js';
import { NONCE_REACH, type NonceIssuer } from './dpop-nonce.js';
import { DPoPProofError, invalidProof } from './dpop-proof.error.js';

export interface ProofAgeOptions extends Pick<ClaimsOptions, 'clockSkew'> {
  readonly proofMaxAge: number;
}

export class ProofAge {
  /** How long after the time of a proof it is accepted, and how long before, in seconds. */
  readonly #reach: { readonly after: number; readonly before: number };

  constructor(
    private readonly options: ProofAgeOptions,
    private readonly nonces: NonceIssuer | undefined,
  ) {
    const { proofMaxAge } = options;
    this.#reach = nonces ? NONCE_REACH : { after: proofMaxAge, before: proofMaxAge };
  }

  /** How long after its time a proof is accepted, in seconds. */
  get acceptedFor(): number {
    return this.#reach.after;
  }

  /** How long a proof can be replayed, in seconds. A proof with a time in the future can be replayed until it expires. */
  get replayableFor(): number {
    return this.#reach.after + this.#reach.before + 1;
  }

  /**
   * Returns when the proof was made, in seconds. With nonces, this is the time of its nonce, and `iat` is not compared, because
   * this would reject clients with a wrong clock, which nonces allow for.
   *
   * @throws {DPoPProofError} `use_dpop_nonce`, or `invalid_dpop_proof` if `iat` is missing or not recent
   */
  timeOf({ nonce, iat }: Readonly<Record<string, unknown>>): number {
    const now = trueTime(this.options);
    const nonceTime = this.#timeOfNonce(nonce, now);
    if (typeof iat !== 'number' || !Number.isFinite(iat)) throw invalidProof('iat is missing');
    const age = now - iat;
    if (nonceTime === undefined && Math.abs(age) > this.options.proofMaxAge)
      throw invalidProof(`iat is ${Math.round(age)} s ago`);
    return nonceTime ?? iat;
  }

  /** Returns the current nonce for the client's next proof, unless this proof has it. */
  nextNonce(nonce: unknown): string | undefined {
    const current = this.nonces?.current(trueTime(this.options));
    return current === nonce ? undefined : current;
  }

  #timeOfNonce(nonce: unknown, now: number): number | undefined {
    if (!this.nonces) return undefined;
    const time = typeof nonce === 'string' ? this.nonces.timeOf(nonce, now) : undefined;
    if (time !== undefined) return time;
    throw new DPoPProofError('use_dpop_nonce', 'the nonce is missing or old', this.nonces.current(now));
  }
}
