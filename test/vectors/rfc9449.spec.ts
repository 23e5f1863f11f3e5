/** The DPoP proofs of RFC 9449: real signatures of a real key, at their time. */
import { createHash } from 'node:crypto';
import { DPoPProofError, DPoPProofVerifier, type ProofContext } from '../../lib/binding/dpop-proof.js';
import { MemoryReplayStore } from '../../lib/binding/memory-replay-store.js';
import { TokenError } from '../../lib/errors/auth.errors.js';
import { decodeJwt } from '../../lib/jose/decode-jwt.js';
import { setClock } from '../support/clock.js';
import { checkSignature, type Jwk } from './check-vector.js';
import { verifiesPlainly } from './plain-crypto.js';
import { readVectors } from './read-vectors.js';

interface Proof {
  readonly section: string;
  readonly title: string;
  readonly method: string;
  readonly url: string;
  readonly iat: number;
  readonly proof: string;
  readonly accessToken?: string;
  readonly ath?: string;
}

const { jwk, jkt, proofs, boundToken } = readVectors('rfc/rfc9449.json') as {
  readonly jwk: Jwk;
  readonly jkt: string;
  readonly proofs: readonly Proof[];
  readonly boundToken: { readonly jws: string; readonly claims: Jwk };
};

const atResource = proofs.filter(({ accessToken }) => accessToken !== undefined);
const atTokenEndpoint = proofs.filter(({ accessToken }) => accessToken === undefined);
const makeVerifier = (): DPoPProofVerifier =>
  new DPoPProofVerifier({ proofMaxAge: 60, clockSkew: 0 }, new MemoryReplayStore());

function contextOf({ proof, accessToken = '', method, url }: Proof): ProofContext {
  return { proof, token: accessToken, method, targetUri: url, jkt };
}

async function failureOf(context: ProofContext): Promise<unknown> {
  return makeVerifier()
    .verify(context)
    .then(
      () => 'accepted',
      (error: unknown) => error,
    );
}

describe('RFC 9449: the examples are copied as they stand', () => {
  it('has the proofs of both endpoints', () => {
    expect([atResource.length, atTokenEndpoint.length]).toEqual([1, 2]);
  });

  it.each(proofs)('section $section, $title', ({ proof, method, url, iat, ath }) => {
    expect(verifiesPlainly('ES256', jwk, proof)).toBe(true);
    const { header, claims } = decodeJwt(proof);
    expect(header).toEqual({ typ: 'dpop+jwt', alg: 'ES256', jwk });
    expect(claims).toMatchObject({ htm: method, htu: url, iat, ...(ath && { ath }) });
  });

  it.each(atResource)('section $section, $title: ath', ({ accessToken = '', ath }) => {
    expect(createHash('sha256').update(accessToken).digest('base64url')).toBe(ath);
  });
});

describe.each(atResource)('RFC 9449 section $section, $title', (example) => {
  const good = contextOf(example);

  it.each([
    ['at its time', 0],
    ['as old as it may be', 59],
    ['from a clock that is ahead', -59],
  ])('is accepted %s', async (_, age) => {
    setClock(example.iat + age);
    expect(await failureOf(good)).toBe('accepted');
  });

  it.each([
    ['when it is old', 62, good, 'iat is 62 s ago'],
    ['before its time', -62, good, 'iat is -62 s ago'],
    ['for another method', 0, { ...good, method: 'POST' }, 'htm is "GET", expected "POST"'],
    ['for another path', 0, { ...good, targetUri: `${example.url}/other` }, 'htu is '],
    [
      'for another host',
      0,
      { ...good, targetUri: 'https://resource.example.com/protectedresource' },
      'htu is ',
    ],
    ['with another token', 0, { ...good, token: `${good.token}x` }, 'ath does not match the token'],
    [
      'twice in one header',
      0,
      { ...good, proof: `${good.proof},${good.proof}` },
      'there is more than one proof',
    ],
    [
      'with its signature cut',
      0,
      { ...good, proof: good.proof?.slice(0, -2) },
      'the signature does not verify',
    ],
    [
      'with the signature of section 4.1',
      0,
      { ...good, proof: withSignatureOf(proofs[0]) },
      'the signature does not verify',
    ],
  ])('is refused %s', async (_, age, context, detail) => {
    setClock(example.iat + age);
    const failure = await failureOf(context);
    expect(failure).toBeInstanceOf(DPoPProofError);
    expect(failure).toMatchObject({ code: 'invalid_dpop_proof', detail: expect.stringContaining(detail) });
  });

  it('is refused for a token that is bound to another key', async () => {
    setClock(example.iat);
    const failure = await failureOf({ ...good, jkt: `${jkt.slice(0, -1)}A` });
    expect(failure).toBeInstanceOf(TokenError);
    expect(failure).toMatchObject({ code: 'invalid_token' });
  });

  it('is refused the second time', async () => {
    setClock(example.iat);
    const verifier = makeVerifier();
    expect(await verifier.verify(good)).toBeUndefined();
    await expect(verifier.verify(good)).rejects.toMatchObject({ detail: 'the proof was used before' });
  });

  function withSignatureOf(other: Proof | undefined): string {
    const own = example.proof.slice(0, example.proof.lastIndexOf('.'));
    return `${own}.${other?.proof.split('.')[2]}`;
  }
});

/** Proofs for the token endpoint have no `ath`: none of them opens a resource (section 4.3 item 12, section 7.1). */
describe.each(atTokenEndpoint)('RFC 9449 section $section, $title', (example) => {
  it.each(['', 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'])(
    'is refused with the token "%s"',
    async (token) => {
      setClock(example.iat);
      const failure = await failureOf({ ...contextOf(example), token });
      expect(failure).toBeInstanceOf(DPoPProofError);
      expect(failure).toMatchObject({ detail: 'ath does not match the token' });
    },
  );
});

describe('RFC 9449 section 6.1, the bound token', () => {
  it('reads as the RFC shows it, bound to the key of the proofs', () => {
    const { header, claims } = decodeJwt(boundToken.jws);
    expect(header).toEqual({ alg: 'ES256', kid: 'BeALkb' });
    expect(claims).toEqual(boundToken.claims);
    expect(claims['cnf']).toEqual({ jkt });
  });

  it("is not signed by the client: the issuer's key is not in the RFC", async () => {
    expect((await checkSignature(boundToken.jws, [jwk])).refusal).toBe('the signature does not verify');
  });
});
