/** For how long is a used proof remembered, by which clock, and what does the store hear of it? */
import { calculateJwkThumbprint } from 'jose';
import { DPoPProofVerifier, type ProofContext } from '../../../lib/binding/dpop-proof.js';
import { MemoryReplayStore } from '../../../lib/binding/memory-replay-store.js';
import { NonceIssuer } from '../../../lib/binding/dpop-nonce.js';
import { ReplayStoreError, type ReplayStore, type UsedProof } from '../../../lib/binding/replay-store.js';
import { AuthError } from '../../../lib/errors/auth.errors.js';
import { holdClock, setClock } from '../../support/clock.js';
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
    holdClock();
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
    holdClock();
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
    holdClock();
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

  it.each([
    [-60.5, false],
    [-60, true],
    [60, true],
    [60.5, false],
  ])('notices a clock that is set back after a proof whose iat is %p s off: %p', async (off, isNoticed) => {
    holdClock();
    const nonces = new NonceIssuer('secret');
    const verifier = new DPoPProofVerifier({ proofMaxAge: 60, clockSkew: 0 }, store, nonces);
    const clock = nowInSeconds();
    setClock(clock);
    await verify(verifier, { claims: { nonce: nonces.current(clock), iat: clock + off } });
    setClock(clock - 3600);
    const later = verify(verifier, { claims: { nonce: nonces.current(clock - 3600) } });
    const outcome = await later.then(
      () => 'accepted',
      (error: { readonly detail?: string }) => error.detail,
    );
    expect(outcome).toEqual(isNoticed ? expect.stringContaining('the clock was set back') : 'accepted');
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

describe('a proof', () => {
  let client: DPoPClient;
  beforeAll(async () => {
    client = await DPoPClient.make();
  });

  /** Code and detail of the refusal, or that it is good; and how many proofs the store heard of. */
  async function outcome(
    parts: TokenParts = {},
    context: Partial<ProofContext> = {},
    store: ReplayStore = new RecordingStore(),
  ): Promise<readonly [code: string, detail: string | undefined, burnt: number | undefined]> {
    const verifier = new DPoPProofVerifier({ proofMaxAge: 60, clockSkew: 0 }, store);
    const burnt = (): number | undefined =>
      store instanceof RecordingStore ? store.added.length : undefined;
    try {
      await verifier.verify({
        proof: client.proof({ url: URL_OF_REQUEST, token: 'token' }, parts),
        token: 'token',
        method: 'GET',
        targetUri: URL_OF_REQUEST,
        jkt: client.jkt,
        ...context,
      });
      return ['good', undefined, burnt()];
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      return [error.code, error.detail, burnt()];
    }
  }

  const refused = (detail: string): unknown => ['invalid_dpop_proof', detail, 0];

  it('is good for its request, token and key', async () => {
    expect(await outcome()).toEqual(['good', undefined, 1]);
    expect(await outcome({}, { jkt: 'other' })).toEqual([
      'invalid_token',
      'the token is bound to another DPoP key',
      0,
    ]);
    expect(await outcome({}, { token: 'other' })).toEqual(refused('ath does not match the token'));
    expect(await outcome({}, { method: 'POST' })).toEqual(refused('htm is "GET", expected "POST"'));
    expect(await outcome({}, { targetUri: undefined })).toEqual(
      refused('the Host of the request is not one of this API: set publicUrl'),
    );
    expect(await outcome({}, { targetUri: 'https://api.example.com/other' })).toEqual(
      refused(`htu is "${URL_OF_REQUEST}", expected "https://api.example.com/other"`),
    );
  });

  it.each<[claims: Record<string, unknown>, detail: string]>([
    [{ jti: undefined }, 'jti is missing or too long'],
    [{ jti: '' }, 'jti is missing or too long'],
    [{ jti: 7 }, 'jti is missing or too long'],
    [{ jti: ['id'] }, 'jti is missing or too long'],
    [{ jti: 'j'.repeat(257) }, 'jti is missing or too long'],
    [{ htm: undefined }, 'htm is undefined, expected "GET"'],
    [{ htm: 'get' }, 'htm is "get", expected "GET"'],
    [{ htu: undefined }, `htu is undefined, expected "${URL_OF_REQUEST}"`],
    [{ htu: [URL_OF_REQUEST] }, `htu is ["${URL_OF_REQUEST}"], expected "${URL_OF_REQUEST}"`],
    [{ ath: undefined }, 'ath does not match the token'],
    [{ ath: '' }, 'ath does not match the token'],
  ])('with %p is refused, and not used up', async (claims, detail) => {
    expect(await outcome({ claims })).toEqual(refused(detail));
  });

  it('may have an identifier of 256 characters', async () => {
    expect(await outcome({ claims: { jti: 'j'.repeat(256) } })).toEqual(['good', undefined, 1]);
  });

  it('with a key that is not on its curve is refused', async () => {
    const jwk = { ...client.publicJwk, y: client.publicJwk.x ?? '' };
    expect(await outcome({ header: { jwk } }, { jkt: await calculateJwkThumbprint(jwk) })).toEqual(
      refused('jwk cannot be used'),
    );
  });

  const answering = (answer: () => unknown): ReplayStore => ({ add: () => answer() as boolean });
  const rejected = (reason: unknown): ReplayStore => answering(() => Promise.reject(reason as Error));

  it('is accepted once', async () => {
    for (const used of [() => false, () => Promise.resolve(false)])
      expect(await outcome({}, {}, answering(used))).toEqual([
        'invalid_dpop_proof',
        'the proof was used before',
        undefined,
      ]);
    const store = new MemoryReplayStore();
    const parts = { claims: { jti: 'once' } };
    expect((await outcome(parts, {}, store))[0]).toBe('good');
    expect((await outcome(parts, {}, store))[1]).toBe('the proof was used before');
  });

  it.each([undefined, null, 1, 0, 'OK', {}])('is not accepted where the store answers %p', async (answer) => {
    expect(
      await outcome(
        {},
        {},
        answering(() => answer),
      ),
    ).toEqual(['replay_store_unavailable', 'the replay store did not answer true or false', undefined]);
  });

  it('is not accepted where the store fails', async () => {
    const fault = new Error('the database is down');
    expect((await outcome({}, {}, rejected(fault)))[1]).toBe(
      'the replay store failed: "the database is down"',
    );
    expect((await outcome({}, {}, rejected('down')))[1]).toBe('the replay store failed: "no reason given"');
    const verifier = new DPoPProofVerifier({ proofMaxAge: 60, clockSkew: 0 }, rejected(fault));
    const verification = verifier.verify({
      proof: client.proof({ url: URL_OF_REQUEST, token: 'token' }),
      token: 'token',
      method: 'GET',
      targetUri: URL_OF_REQUEST,
      jkt: client.jkt,
    });
    await expect(verification).rejects.toBeInstanceOf(ReplayStoreError);
    await expect(verification).rejects.toMatchObject({ cause: fault });
  });
});
