/** Verifies DPoP proofs: that the caller holds the key that the token is bound to. RFC 9449 section 4.3. */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { hasDotSegments, isForTarget } from '../credentials/normalize-uri.js';
import { invalidToken } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { importPublicKey, verifySignature, type SignatureKey } from '../jose/verify-signature.js';
import { withDeadline } from '../timing/deadline.js';
import { isThenable } from '../timing/when-ready.js';
import { trueTime } from '../token/check-claims.js';
import { ClockGuard } from './clock-guard.js';
import type { NonceIssuer } from './dpop-nonce.js';
import { invalidProof } from './dpop-proof.error.js';
import { MemoryReplayStore } from './memory-replay-store.js';
import { ProofAge, type ProofAgeOptions } from './proof-age.js';
import { DPOP_ALGORITHMS, readProof, type Proof } from './read-proof.js';
import { ReplayStoreError, type ReplayStore, type UsedProof } from './replay-store.js';

export { DPoPProofError } from './dpop-proof.error.js';
export { DPOP_ALGORITHMS } from './read-proof.js';

/**
 * `when_present`: DPoP-bound tokens require a proof; `required`: every token must be DPoP-bound; `off`: the scheme is rejected.
 */
export type DPoPMode = 'when_present' | 'required' | 'off';

/** Options for DPoP (RFC 9449). */
export interface DPoPOptions {
  /**
   * `when_present`: [DPoP](../../docs/sender-constrained-tokens.md#dpop)-bound tokens require their key,
   * other tokens are accepted; `required`: every token must be DPoP-bound; `off`: the scheme is rejected. A
   * DPoP-bound token sent as Bearer is rejected in every mode.
   *
   * @default 'when_present'
   */
  readonly mode: DPoPMode;
  /**
   * The maximum difference between a proof's `iat` and now, in seconds. With `nonce` it is not compared: the
   * nonce proves when the proof was made (RFC 9449 section 11.1).
   *
   * @default 60
   */
  readonly proofMaxAge: number;
  /**
   * A secret of at least 32 characters, the same in all instances. Proofs must then contain a nonce of this
   * server (RFC 9449 section 9), and clients with a wrong clock are accepted.
   *
   * @default none
   */
  readonly nonce?: string | undefined;
  /**
   * Records used proofs, so that none is accepted twice. Several instances must [share
   * one](../../docs/sender-constrained-tokens.md#replay-stores).
   *
   * @default in memory
   */
  readonly replayStore?: ReplayStore | undefined;
}

export interface ProofOptions extends ProofAgeOptions {
  /** The values of `alg` that are accepted. @default all of {@link DPOP_ALGORITHMS} */
  readonly algorithms?: readonly string[];
}

/** The request that the proof must match. */
export interface ProofContext {
  /** The `DPoP` header as received: `undefined` if there is none, separated by commas if there are several. */
  readonly proof: string | undefined;
  readonly token: string;
  readonly method: string;
  /** The result of `targetUriOf`; `undefined` if the host of the request is not one of this API. */
  readonly targetUri: string | undefined;
  /** The thumbprint in the token's `cnf`. */
  readonly jkt: string;
}

const MAX_JTI_LENGTH = 256;
/** The maximum number of cached client keys. Importing one costs half as much as verifying a signature. */
const MAX_KEYS = 1000;
/** A call of the store that takes longer counts as failed. */
const STORE_DEADLINE_SECONDS = 1;

export class DPoPProofVerifier {
  readonly #age: ProofAge;
  /** `undefined` for the store in memory, which itself keeps expired proofs. */
  readonly #clock: ClockGuard | undefined;
  /** By algorithm and thumbprint, which covers all imported members. Contains only keys that valid tokens are bound to. */
  readonly #keys = new LRUCache<string, SignatureKey>({ max: MAX_KEYS });

  constructor(
    private readonly options: ProofOptions,
    private readonly replays: ReplayStore,
    nonces?: NonceIssuer,
  ) {
    this.#age = new ProofAge(options, nonces);
    this.#clock = replays instanceof MemoryReplayStore ? undefined : new ClockGuard(this.#age.acceptedFor);
  }

  /**
   * Throws unless the proof is valid for this request, this token and this key. The key's thumbprint is compared before the
   * key is used. The last step marks the proof's `jti` as used.
   *
   * @returns the current nonce, if the proof has another one
   * @throws {DPoPProofError} `invalid_dpop_proof`, `use_dpop_nonce`
   * @throws {TokenError} `invalid_token` if the token is bound to another key
   * @throws {ReplayStoreError} if it cannot be determined whether the proof was used before
   */
  async verify(context: ProofContext): Promise<string | undefined> {
    const proof = readProof(context.proof, this.options.algorithms ?? DPOP_ALGORITHMS);
    const { claims, thumbprint } = proof;
    if (thumbprint !== context.jkt) throw invalidToken('binding', 'the token is bound to another DPoP key');
    const jti = checkRequest(proof, context);
    const time = this.#age.timeOf(claims);
    const now = trueTime(this.options);
    if (this.#clock?.isSpent(time, now) === true)
      throw invalidProof('the clock was set back: the proof may have been used before');
    if (claims['ath'] !== createHash('sha256').update(context.token).digest('base64url'))
      throw invalidProof('ath does not match the token');
    this.#checkSignature(proof);
    await this.#burn(`${thumbprint}.${jti}`, { key: thumbprint, time });
    if (Math.abs(Number(claims['iat']) - now) <= this.options.proofMaxAge) this.#clock?.confirm(now);
    return this.#age.nextNonce(claims['nonce']);
  }

  #checkSignature({ alg, jwk, thumbprint, signed, signature }: Proof): void {
    const id = `${alg} ${thumbprint}`;
    let key = this.#keys.get(id);
    if (!key) {
      try {
        key = importPublicKey(alg, jwk);
      } catch {
        throw invalidProof('jwk cannot be used');
      }
      this.#keys.set(id, key);
    }
    if (!verifySignature(key, signed, signature)) throw invalidProof('the signature does not verify');
  }

  /** Marks a proof as used. Its identifier is hashed, so that it does not reveal the proof outside this process. */
  async #burn(used: string, proof: UsedProof): Promise<void> {
    const id = createHash('sha256').update(used).digest('base64url');
    let isNew: unknown;
    try {
      const added: unknown = this.replays.add(id, this.#age.replayableFor, proof);
      // The store in memory answers at once, and needs no timer.
      isNew = isThenable(added) ? await withDeadline(STORE_DEADLINE_SECONDS, () => added) : added;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : 'no reason given';
      throw new ReplayStoreError({ detail: `the replay store failed: ${quoteForeign(reason)}`, cause });
    }
    if (isNew === true) return;
    if (isNew !== false)
      throw new ReplayStoreError({ detail: 'the replay store did not answer true or false' });
    throw invalidProof('the proof was used before');
  }
}

/** Returns the proof's `jti`. Throws unless the proof's method and URL are those of the request. */
function checkRequest({ claims: { jti, htm, htu } }: Proof, { method, targetUri }: ProofContext): string {
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH)
    throw invalidProof('jti is missing or too long');
  if (htm !== method) throw invalidProof(`htm is ${quoteForeign(htm)}, expected ${quoteForeign(method)}`);
  if (targetUri === undefined)
    throw invalidProof('the Host of the request is not one of this API: set publicUrl');
  if (hasDotSegments(targetUri))
    throw invalidProof(`the path of the request has dot segments: ${quoteForeign(targetUri)}`);
  if (typeof htu !== 'string' || !isForTarget(htu, targetUri))
    throw invalidProof(`htu is ${quoteForeign(htu)}, expected ${quoteForeign(targetUri)}`);
  return jti;
}
