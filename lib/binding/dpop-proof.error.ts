/** Defines the error of DPoP proofs. RFC 9449 sections 7.1 and 9. */
import { CallerError } from '../errors/auth.errors.js';

/**
 * The DPoP proof is invalid (`invalid_dpop_proof`), or requires a nonce of this server (`use_dpop_nonce`): 401 (RFC 9449 section 7.1).
 */
export class DPoPProofError extends CallerError {
  readonly status = 401;

  constructor(
    readonly code: 'invalid_dpop_proof' | 'use_dpop_nonce',
    detail: string,
    /** The value of the `DPoP-Nonce` header. */
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

export const invalidProof = (detail: string): DPoPProofError =>
  new DPoPProofError('invalid_dpop_proof', detail);
