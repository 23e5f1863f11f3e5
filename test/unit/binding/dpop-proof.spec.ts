/** For how long is a used proof remembered, by which clock, and what does the store hear of it? */
import { DPoPProofVerifier } from '../../../lib/binding/dpop-proof.js';
import { NonceIssuer } from '../../../lib/binding/dpop-nonce.js';
import type { ReplayStore, UsedProof } from '../../../lib/binding/replay-store.js';
import { setClock } from '../../support/clock.js';
import { DPoPClient } from '../../support/dpop.js';
import { nowInSeconds, type TokenParts } from '../../support/tokens.js';

const URL_OF_REQUEST = 'https://api.example.com/things';

/** Takes everything, and keeps what it heard. */
class RecordingStore implements ReplayStore {
  readonly added: { readonly id: string; readonly ttlSeconds: number; readonly proof?: UsedProof }[] = [];

  add(id: string, ttlSeconds: number, proof?: UsedProof): boolean {
    this.added.push({ id, ttlSeconds, ...(proof && { proof }) });
    return true;
  }
}

describe('DPoPProofVerifier', () => {
  let client: DPoPClient;
  let store: RecordingStore;
  beforeEach(async () => {
    client = await DPoPClient.make();
    store = new RecordingStore();
  });

  const verify = (verifier: DPoPProofVerifier, parts?: TokenParts): Promise<string | undefined> =>
    verifier.verify({
      proof: client.proof({ url: URL_OF_REQUEST, token: 'token' }, parts),
      token: 'token',
      method: 'GET',
      targetUri: URL_OF_REQUEST,
      jkt: client.jkt,
    });

  it.each([1, 60, 300])('has a proof remembered for as long as it is accepted: %i s', async (proofMaxAge) => {
    const verifier = new DPoPProofVerifier({ proofMaxAge, clockSkew: 0 }, store);
    const iat = nowInSeconds();
    setClock(iat);
    await verify(verifier, { claims: { iat } });
    expect(store.added).toEqual([
      {
        id: expect.stringMatching(/^[\w-]{43}$/),
        ttlSeconds: 2 * proofMaxAge + 1,
        proof: { key: client.jkt, time: iat },
      },
    ]);
    // At which moments the proof is good: the store must still know it at the last.
    for (const [seconds, good] of [
      [-proofMaxAge - 0.5, false],
      [-proofMaxAge + 0.5, true],
      [proofMaxAge - 0.5, true],
      [proofMaxAge + 0.5, false],
    ] as const) {
      const accepted = new DPoPProofVerifier({ proofMaxAge, clockSkew: 0 }, new RecordingStore());
      setClock(iat + seconds);
      const outcome = await verify(accepted, { claims: { iat } }).then(
        () => true,
        () => false,
      );
      expect([seconds, outcome]).toEqual([seconds, good]);
    }
  });

  it('has a proof remembered for as long as its nonce is accepted, by the time of the nonce', async () => {
    const nonces = new NonceIssuer('secret');
    const makeVerifier = (): DPoPProofVerifier =>
      new DPoPProofVerifier({ proofMaxAge: 60, clockSkew: 0 }, store, nonces);
    const slot = Math.floor(nowInSeconds() / 60) * 60;
    const claims = { nonce: nonces.current(slot), iat: 1 };
    const accepted: number[] = [];
    for (let seconds = -120; seconds < 240; seconds += 10) {
      setClock(slot + seconds + 1);
      await verify(makeVerifier(), { claims }).then(
        () => accepted.push(seconds),
        () => undefined,
      );
    }
    expect([accepted.at(0), accepted.at(-1)]).toEqual([-60, 110]);
    expect(new Set(store.added.map(({ ttlSeconds }) => ttlSeconds))).toEqual(new Set([181]));
    expect(new Set(store.added.map(({ proof }) => proof?.time))).toEqual(new Set([slot]));
  });

  it('reckons with the clock skew, for iat and for nonces', async () => {
    const nonces = new NonceIssuer('secret');
    const trueNow = nowInSeconds();
    setClock(trueNow + 3600);
    const options = { proofMaxAge: 60, clockSkew: 3600 };
    await verify(new DPoPProofVerifier(options, store), { claims: { iat: trueNow } });
    await verify(new DPoPProofVerifier(options, store, nonces), {
      claims: { nonce: nonces.current(trueNow) },
    });
    const behind = verify(new DPoPProofVerifier(options, store), { claims: { iat: trueNow + 3600 } });
    await expect(behind).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
    expect(store.added).toHaveLength(2);
  });

  it('lets a clock be corrected that only clients with nonces have gone by', async () => {
    const nonces = new NonceIssuer('secret');
    const verifier = new DPoPProofVerifier({ proofMaxAge: 60, clockSkew: 0 }, store, nonces);
    const iat = nowInSeconds();
    for (const clock of [iat + 3600, iat, iat - 3600]) {
      setClock(clock);
      const claims = { nonce: nonces.current(clock), iat };
      const outcome = verify(verifier, { claims }).then(
        () => 'accepted',
        (error: { readonly detail?: string }) => error.detail,
      );
      // The clock of the second proof agreed with its client's: from there, it was set back.
      expect([clock - iat, await outcome]).toEqual([
        clock - iat,
        clock < iat ? expect.stringContaining('the clock was set back') : 'accepted',
      ]);
    }
  });

  it('refuses a path with dot segments, whatever the proof says', async () => {
    const verifier = new DPoPProofVerifier({ proofMaxAge: 60, clockSkew: 0 }, store);
    for (const path of ['/a/../b', '/a/%2e%2E/b', '/.', '/a/..', '/a\\b', '/a b', '/a\tb']) {
      const url = `https://api.example.com${path}`;
      const token = 'token';
      const proof = client.proof({ url, token });
      const outcome = verifier.verify({ proof, token, method: 'GET', targetUri: url, jkt: client.jkt });
      await expect(outcome).rejects.toMatchObject({ detail: expect.stringContaining('dot segments') });
    }
    expect(store.added).toHaveLength(0);
  });

  it('verifies every proof, also of a key that it has imported before, and by the algorithm of the proof', async () => {
    const verifier = new DPoPProofVerifier({ proofMaxAge: 60, clockSkew: 0 }, store);
    const thief = await DPoPClient.make();
    await verify(verifier);
    const forged = thief.proof(
      { url: URL_OF_REQUEST, token: 'token' },
      { header: { jwk: client.publicJwk } },
    );
    const request = { token: 'token', method: 'GET', targetUri: URL_OF_REQUEST };
    await expect(verifier.verify({ ...request, proof: forged, jkt: client.jkt })).rejects.toMatchObject({
      detail: 'the signature does not verify',
    });
    await verify(verifier);
    // Of the same algorithm, and another client: by its own key, and by no other one.
    const own = thief.proof({ url: URL_OF_REQUEST, token: 'token' });
    await verifier.verify({ ...request, proof: own, jkt: thief.jkt });
    const borrowed = client.proof(
      { url: URL_OF_REQUEST, token: 'token' },
      { header: { jwk: thief.publicJwk } },
    );
    await expect(verifier.verify({ ...request, proof: borrowed, jkt: thief.jkt })).rejects.toMatchObject({
      detail: 'the signature does not verify',
    });

    const rsa = await DPoPClient.make('RS256');
    const proofOf = (alg: string): string =>
      rsa.proof({ url: URL_OF_REQUEST, token: 'token' }, { header: { alg } });
    await verifier.verify({ ...request, proof: proofOf('RS256'), jkt: rsa.jkt });
    await expect(
      verifier.verify({ ...request, proof: proofOf('PS256'), jkt: rsa.jkt }),
    ).rejects.toMatchObject({ detail: 'the signature does not verify' });
  });
});
