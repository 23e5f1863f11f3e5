/** What a client is told of a DPoP proof that is rejected. RFC 9449 sections 7.1 and 9. */
import { DPoPProofError, invalidProof } from '../../../lib/binding/dpop-proof.error.js';
import { AuthError } from '../../../lib/errors/auth.errors.js';

describe('DPoPProofError', () => {
  it('for a proof that is invalid has its own code, a fixed sentence and no nonce', () => {
    const error = invalidProof('ath does not match the token');
    expect(error).toBeInstanceOf(DPoPProofError);
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({
      status: 401,
      code: 'invalid_dpop_proof',
      message: 'The DPoP proof is invalid',
      detail: 'ath does not match the token',
    });
    expect(error.challengeParameters).toEqual([
      ['error', 'invalid_dpop_proof'],
      ['error_description', 'The DPoP proof is invalid'],
    ]);
    expect(error.headers).toStrictEqual({});
  });

  it('for a nonce that is missing has the nonce in a header, and not in the challenge', () => {
    const error = new DPoPProofError('use_dpop_nonce', 'the nonce is missing or old', 'fresh');
    expect(error.status).toBe(401);
    expect(error.challengeParameters).toEqual([
      ['error', 'use_dpop_nonce'],
      ['error_description', 'The DPoP proof needs a nonce'],
    ]);
    expect(error.headers).toStrictEqual({ 'DPoP-Nonce': 'fresh' });
  });
});
