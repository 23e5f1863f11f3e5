/** Whether a proof was made just now, by its own time or by that of its nonce. RFC 9449 sections 4.3 and 11.1. */
import { NonceIssuer } from '../../../lib/binding/dpop-nonce.js';
import { DPoPProofError } from '../../../lib/binding/dpop-proof.error.js';
import { ProofAge } from '../../../lib/binding/proof-age.js';

const NOW = 1_800_000_000;
const { now } = Date;
beforeAll(() => {
  Date.now = () => NOW * 1000;
});
afterAll(() => {
  Date.now = now;
});

const nonces = new NonceIssuer('secret');
const byIat = (clockSkew = 0): ProofAge => new ProofAge({ proofMaxAge: 60, clockSkew }, undefined);
const byNonce = (clockSkew = 0): ProofAge => new ProofAge({ proofMaxAge: 60, clockSkew }, nonces);

/** The time of the proof, or the refusal. */
function timeOf(age: ProofAge, claims: Record<string, unknown>): unknown {
  try {
    return age.timeOf(claims);
  } catch (error) {
    if (!(error instanceof DPoPProofError)) throw error;
    return [error.code, error.detail, error.headers['DPoP-Nonce']];
  }
}

describe('without nonces', () => {
  it.each<[iat: unknown, outcome: unknown]>([
    [NOW, NOW],
    [NOW - 60, NOW - 60],
    [NOW + 60, NOW + 60],
    [NOW - 61, ['invalid_dpop_proof', 'iat is 61 s ago', undefined]],
    [NOW + 61, ['invalid_dpop_proof', 'iat is -61 s ago', undefined]],
    [NOW - 60.5, ['invalid_dpop_proof', 'iat is 61 s ago', undefined]],
    [undefined, ['invalid_dpop_proof', 'iat is missing', undefined]],
    [String(NOW), ['invalid_dpop_proof', 'iat is missing', undefined]],
    [NaN, ['invalid_dpop_proof', 'iat is missing', undefined]],
    [Infinity, ['invalid_dpop_proof', 'iat is missing', undefined]],
  ])('iat %p', (iat, outcome) => {
    expect(timeOf(byIat(), { iat, nonce: 'not asked for' })).toEqual(outcome);
  });

  it('goes by the true time', () => {
    expect(timeOf(byIat(3600), { iat: NOW - 3600 })).toBe(NOW - 3600);
    expect(timeOf(byIat(3600), { iat: NOW })).toEqual([
      'invalid_dpop_proof',
      'iat is -3600 s ago',
      undefined,
    ]);
  });

  it('has no nonce for the next proof, and tells how long a proof is good', () => {
    expect(byIat().nextNonce(undefined)).toBeUndefined();
    expect(byIat().nextNonce('any')).toBeUndefined();
    expect([byIat().acceptedFor, byIat().replayableFor]).toEqual([60, 121]);
  });
});

describe('with nonces', () => {
  it.each([-60, 0, 60])('takes the time of a nonce that is known, whatever iat says (%d s)', (seconds) => {
    const nonce = nonces.current(NOW + seconds);
    for (const iat of [1, NOW, NOW + 10_000]) expect(timeOf(byNonce(), { nonce, iat })).toBe(NOW + seconds);
    expect(timeOf(byNonce(), { nonce })).toEqual(['invalid_dpop_proof', 'iat is missing', undefined]);
  });

  it.each([undefined, null, 7, '', 'invented', nonces.current(NOW - 120)])(
    'asks for another one than %p, and gives it',
    (nonce) => {
      expect(timeOf(byNonce(), { nonce, iat: NOW })).toEqual([
        'use_dpop_nonce',
        'the nonce is missing or old',
        nonces.current(NOW),
      ]);
    },
  );

  it('goes by the true time', () => {
    const nonce = nonces.current(NOW - 3600);
    expect(timeOf(byNonce(3600), { nonce, iat: 1 })).toBe(NOW - 3600);
    expect(byNonce(3600).nextNonce('old')).toBe(nonce);
  });

  it('gives the current one for the next proof, unless the client has it', () => {
    expect(byNonce().nextNonce(nonces.current(NOW))).toBeUndefined();
    expect(byNonce().nextNonce(nonces.current(NOW - 60))).toBe(nonces.current(NOW));
    expect([byNonce().acceptedFor, byNonce().replayableFor]).toEqual([120, 181]);
  });
});
