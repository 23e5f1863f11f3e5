/** Does the caller hold the key that this token was issued for? RFC 9449 section 4.3, its checks in its order. */
import { createHash } from 'node:crypto';
import type { JWK } from 'jose';
import { CallerError, invalidToken, TokenError } from '../errors/auth.errors.js';
import { withDeadline } from '../timing/deadline.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { normalizeUri } from '../credentials/target-uri.js';
import { decodeJwt, type DecodedJwt } from '../jose/decode-jwt.js';
import { trueTime, type ClaimsOptions } from '../token/check-claims.js';
import { isObject } from '../jose/strict-json.js';
import {
  importPublicKey,
  isPublicKey,
  SIGNING_ALGORITHMS,
  verifySignature,
  type SignatureKey,
} from '../jose/verify-signature.js';
import type { NonceIssuer } from './dpop-nonce.js';
import { ReplayStoreError, type ReplayStore } from './replay-store.js';

export type DPoPMode = 'when_present' | 'required' | 'off';

export interface DPoPOptions {
  /**
   * `when_present`: [DPoP](../../docs/sender-constrained-tokens.md#dpop)-bound tokens are held to their key, others
   * pass; `required`: every token must be DPoP-bound; `off`: the scheme is refused. A DPoP-bound token sent as
   * Bearer is refused in every mode.
   *
   * @default 'when_present'
   */
  readonly mode: DPoPMode;
  /**
   * How far a proof's `iat` may be from now, either way, in seconds.
   *
   * @default 60
   */
  readonly proofMaxAge: number;
  /**
   * A secret of at least 32 characters, the same in all instances: proofs must then carry a nonce of this server
   * (RFC 9449 section 9).
   *
   * @default none
   */
  readonly nonce?: string | undefined;
  /**
   * Where used proofs are remembered, so that none serves twice: [one that instances
   * share](../../docs/sender-constrained-tokens.md#dpop), where there are several.
   *
   * @default in memory
   */
  readonly replayStore?: ReplayStore | undefined;
}

/** What every challenge of the scheme names. */
export const DPOP_ALGORITHMS = SIGNING_ALGORITHMS;

/** The proof is not good (`invalid_dpop_proof`), or needs a nonce of this server (`use_dpop_nonce`): 401. */
export class DPoPProofError extends CallerError {
  readonly status = 401;

  constructor(
    readonly code: 'invalid_dpop_proof' | 'use_dpop_nonce',
    detail: string,
    /** For the `DPoP-Nonce` header. */
    readonly nonce?: string,
  ) {
    super(code === 'use_dpop_nonce' ? 'The DPoP proof needs a nonce' : 'The DPoP proof is invalid', {
      detail,
    });
  }

  override get errorCode(): string {
    return this.code;
  }

  override get headers(): Readonly<Record<string, string>> {
    return this.nonce === undefined ? {} : { 'DPoP-Nonce': this.nonce };
  }
}

/** What the request was, as the proof must say it. */
export interface ProofContext {
  /** As it came: `undefined` for none, with commas for several. */
  readonly proof: string | undefined;
  readonly token: string;
  readonly method: string;
  /** `undefined`: the request's host is not one of this API. */
  readonly targetUri: string | undefined;
  /** The thumbprint in the token. */
  readonly jkt: string;
}

const MAX_PROOF_LENGTH = 8192;
const MAX_JTI_LENGTH = 256;
/** A store that takes longer has failed, in seconds. */
const PATIENCE = 1;

export class DPoPProofVerifier {
  constructor(
    private readonly options: Pick<DPoPOptions, 'proofMaxAge'> & Pick<ClaimsOptions, 'clockSkew'>,
    private readonly replays: ReplayStore,
    private readonly nonces?: NonceIssuer,
  ) {}

  /**
   * Throws unless the proof is good for this request, this token and this key. Burns its `jti` last, once.
   *
   * @returns a newer nonce, if the client's will soon be old
   * @throws {DPoPProofError} `invalid_dpop_proof`, `use_dpop_nonce`
   * @throws {TokenError} `invalid_token` if the token is bound to another key
   * @throws {ReplayStoreError} if it cannot be known whether the proof was used before
   */
  async verify(context: ProofContext): Promise<string | undefined> {
    const proof = readProof(context.proof);
    const { jwk, alg } = checkHeader(proof);
    const jti = this.#checkClaims(proof, context);
    checkSignature(proof, jwk, alg);
    const thumbprint = thumbprintOf(jwk);
    if (thumbprint !== context.jkt) {
      throw invalidToken('binding', 'the token is bound to another DPoP key');
    }
    this.#checkNonce(proof);
    await this.#burn(`${thumbprint}.${jti}`);
    const current = this.nonces?.current();
    return current === proof.claims['nonce'] ? undefined : current;
  }

  #checkClaims({ claims }: DecodedJwt, { token, method, targetUri }: ProofContext): string {
    const { jti, htm, htu, iat, ath } = claims;
    if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH)
      throw refuse('jti is missing or too long');
    if (htm !== method) throw refuse(`htm is ${quoteForeign(htm)}, expected ${quoteForeign(method)}`);
    if (targetUri === undefined)
      throw refuse('the Host of the request is not one of this API: set publicUrl');
    if (typeof htu !== 'string' || normalizeUri(htu) !== targetUri) {
      throw refuse(`htu is ${quoteForeign(htu)}, expected ${quoteForeign(targetUri)}`);
    }
    if (typeof iat !== 'number' || !Number.isFinite(iat)) throw refuse('iat is missing');
    const age = trueTime(this.options) - iat;
    if (Math.abs(age) > this.options.proofMaxAge) throw refuse(`iat is ${Math.round(age)} s ago`);
    if (ath !== createHash('sha256').update(token).digest('base64url'))
      throw refuse('ath is not that of the token');
    return jti;
  }

  #checkNonce({ claims: { nonce } }: DecodedJwt): void {
    if (!this.nonces || (typeof nonce === 'string' && this.nonces.accepts(nonce))) return;
    throw new DPoPProofError('use_dpop_nonce', 'the nonce is missing or old', this.nonces.current());
  }

  /** By hash: what leaves the process tells neither key nor proof. */
  async #burn(used: string): Promise<void> {
    const id = createHash('sha256').update(used).digest('base64url');
    let isNew: unknown;
    try {
      // A proof from the future can be replayed until it is past.
      isNew = await withDeadline(PATIENCE, () => this.replays.add(id, 2 * this.options.proofMaxAge + 1));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : 'no reason given';
      throw new ReplayStoreError({ detail: `the replay store failed: ${quoteForeign(reason)}`, cause });
    }
    if (isNew === true) return;
    if (isNew !== false)
      throw new ReplayStoreError({ detail: 'the replay store did not answer true or false' });
    throw refuse('the proof was used before');
  }
}

const refuse = (detail: string): DPoPProofError => new DPoPProofError('invalid_dpop_proof', detail);

function readProof(proof: string | undefined): DecodedJwt {
  if (proof === undefined || proof === '') throw refuse('there is no DPoP header');
  if (proof.includes(',')) throw refuse('there is more than one proof');
  if (proof.length > MAX_PROOF_LENGTH)
    throw refuse(`the proof is longer than ${MAX_PROOF_LENGTH} characters`);
  try {
    return decodeJwt(proof);
  } catch (error) {
    if (error instanceof TokenError) throw refuse(`of the proof: ${error.detail ?? error.message}`);
    throw error;
  }
}

function checkHeader({ header }: DecodedJwt): { readonly jwk: JWK; readonly alg: string } {
  const { typ, alg, jwk } = header;
  if (typeof typ !== 'string' || !/^(application\/)?dpop\+jwt$/i.test(typ))
    throw refuse(`typ is ${quoteForeign(typ)}`);
  if (!DPOP_ALGORITHMS.some((each) => each === alg)) throw refuse(`alg ${quoteForeign(alg)} is not accepted`);
  if (!isObject(jwk)) throw refuse('jwk is missing');
  if (!isPublicKey(jwk)) throw refuse('jwk is not a public key');
  if ('crit' in header || 'b64' in header) throw refuse('the header asks for an extension (crit, b64)');
  return { jwk, alg: String(alg) };
}

/** RFC 7638 section 3: the required members, in order, of a key that has been imported. */
function thumbprintOf({ kty, crv, x, y, n, e }: JWK): string {
  const members = kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

function checkSignature({ signed, signature }: DecodedJwt, jwk: JWK, alg: string): void {
  let key: SignatureKey;
  try {
    // What the key says of its own use is not what counts here.
    key = importPublicKey(alg, jwk);
  } catch {
    throw refuse('jwk cannot be used');
  }
  if (!verifySignature(key, signed, signature)) throw refuse('the signature does not verify');
}
