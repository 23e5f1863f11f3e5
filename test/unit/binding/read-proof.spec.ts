/** Which proofs can be read, and which key is in them. RFC 9449 section 4.2. */
import { calculateJwkThumbprint } from 'jose';
import { DPoPProofError } from '../../../lib/binding/dpop-proof.error.js';
import { DPOP_ALGORITHMS, readProof, type Proof } from '../../../lib/binding/read-proof.js';
import { encode, makeKey } from '../../support/tokens.js';

const KEYS = new Map(['RS256', 'ES256', 'EdDSA'].map((alg) => [alg, makeKey(alg)]));
const publicJwk = (alg = 'ES256'): Record<string, unknown> => ({
  ...KEYS.get(alg)?.publicKey.export({ format: 'jwk' }),
});

const proofWith = (header: Record<string, unknown> = {}, claims: object = { jti: 'id' }): string =>
  `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicJwk(), ...header })}.${encode(claims)}.AQID`;

/** The proof, or the detail of the refusal. */
function read(text: string | undefined, algorithms: readonly string[] = DPOP_ALGORITHMS): Proof | string {
  try {
    return readProof(text, algorithms);
  } catch (error) {
    if (!(error instanceof DPoPProofError)) throw error;
    expect([error.code, error.status, error.headers]).toEqual(['invalid_dpop_proof', 401, {}]);
    return error.detail ?? '';
  }
}

it.each(['RS256', 'ES256', 'EdDSA'])('a proof by %s is read, with the thumbprint of its key', async (alg) => {
  const jwk = publicJwk(alg);
  const text = proofWith({ alg, jwk: { ...jwk, kid: 'k', use: 'enc', alg: 'none' } });
  expect(read(text)).toEqual({
    alg,
    jwk: { ...jwk, kid: 'k', use: 'enc', alg: 'none' },
    claims: { jti: 'id' },
    signed: text.slice(0, text.lastIndexOf('.')),
    signature: Buffer.from([1, 2, 3]),
    thumbprint: await calculateJwkThumbprint(jwk),
  });
});

it.each([undefined, ''])('there is none: %p', (text) => {
  expect(read(text)).toBe('there is no DPoP header');
});

it('there are several', () => {
  expect(read(`${proofWith()},${proofWith()}`)).toBe('there is more than one proof');
  expect(read(`${proofWith()},`)).toBe('there is more than one proof');
});

it('is read up to 8,192 characters', () => {
  const short = proofWith({}, { x: '' });
  const proofOf = (length: number): string => `${short}${'A'.repeat(length - short.length)}`;
  expect(read(proofOf(8192))).not.toBe('the proof is longer than 8192 characters');
  expect(read(proofOf(8193))).toBe('the proof is longer than 8192 characters');
});

it.each<[text: string, detail: string]>([
  ['a.b', 'of the proof: the token does not have three parts'],
  [`${encode('{')}.e30.AQID`, 'of the proof: the header is not JSON'],
  [`${encode('{"typ":1,"typ":2}')}.e30.AQID`, 'of the proof: the header has a duplicate member'],
])('what is malformed is refused: %s', (text, detail) => {
  expect(read(text)).toBe(detail);
});

it.each(['dpop+jwt', 'DPoP+JWT', 'application/dpop+jwt'])('typ %s is that of a proof', (typ) => {
  expect(read(proofWith({ typ }))).toMatchObject({ alg: 'ES256' });
});

it('the thumbprint is made of the members that a key of this kind must have, and of no other', async () => {
  for (const [alg, others] of [
    ['RS256', { crv: 'P-256', x: 'AQ', y: 'AQ' }],
    ['ES256', { n: 'AQ', e: 'AQ' }],
    ['EdDSA', { y: 'AQ', n: 'AQ', e: 'AQ' }],
  ] as const) {
    const jwk = publicJwk(alg);
    expect(read(proofWith({ alg, jwk: { ...jwk, ...others } }))).toMatchObject({
      alg,
      thumbprint: await calculateJwkThumbprint(jwk),
    });
  }
});

it.each<[header: Record<string, unknown>, detail: string]>([
  [{ typ: undefined }, 'typ is undefined'],
  [{ typ: 'JWT' }, 'typ is "JWT"'],
  [{ typ: 'xdpop+jwt' }, 'typ is "xdpop+jwt"'],
  [{ typ: 'dpop+jwtx' }, 'typ is "dpop+jwtx"'],
  [{ typ: ['dpop+jwt'] }, 'typ is ["dpop+jwt"]'],
  [{ alg: undefined }, 'alg undefined is not accepted'],
  [{ alg: 'none' }, 'alg "none" is not accepted'],
  [{ alg: 'HS256' }, 'alg "HS256" is not accepted'],
  [{ alg: ['ES256'] }, 'alg ["ES256"] is not accepted'],
  [{ jwk: undefined }, 'jwk is missing'],
  [{ jwk: 'key' }, 'jwk is missing'],
  [{ jwk: { kty: 'oct', k: 'AQ' } }, 'jwk is not a public key'],
  [{ crit: ['exp'] }, 'the header requires an extension (crit, b64)'],
  [{ crit: null }, 'the header requires an extension (crit, b64)'],
  [{ b64: true }, 'the header requires an extension (crit, b64)'],
  [{ alg: 'ES384' }, 'jwk cannot be used: a key of another type'],
  [{ alg: 'RS256' }, 'jwk cannot be used: a key of another type'],
])('a header with %j is refused', (header, detail) => {
  expect(read(proofWith(header))).toBe(detail);
});

it.each<[name: string, jwk: unknown, detail: string]>([
  ['in a list', [publicJwk()], 'jwk is missing'],
  ['with its private part', { ...publicJwk(), d: 'AQ' }, 'jwk is not a public key'],
  [
    'too long to be read',
    { ...publicJwk(), x: 'A'.repeat(1401) },
    'jwk cannot be used: x is longer than 1400 characters',
  ],
  ['without a coordinate', { ...publicJwk(), y: undefined }, 'jwk cannot be used: y is not a string'],
])('a key %s is refused', (_, jwk, detail) => {
  expect(read(proofWith({ jwk }))).toBe(detail);
});

it('only the algorithms that are accepted are', () => {
  expect(read(proofWith(), ['ES256', 'PS256'])).toMatchObject({ alg: 'ES256' });
  expect(read(proofWith(), ['PS256'])).toBe('alg "ES256" is not accepted');
});
