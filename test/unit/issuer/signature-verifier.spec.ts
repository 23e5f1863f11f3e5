/** What a signature costs: junk is tried against few keys, once, a little at a time. */
import { setImmediate } from 'node:timers';
import { IssuerKeySet } from '../../../lib/issuer/issuer-key-set.js';
import type { IssuerKeys } from '../../../lib/issuer/issuer-keys.js';
import { SignatureVerifier, type Verification } from '../../../lib/issuer/signature-verifier.js';
import { decodeJwt } from '../../../lib/jose/decode-jwt.js';
import { VerificationKey } from '../../../lib/jose/verification-key.js';
import { VerificationQueue } from '../../../lib/timing/verification-queue.js';
import { advanceClock, holdClock } from '../../support/clock.js';
import { makeKey, signToken } from '../../support/tokens.js';

const SIGNER = makeKey('ES256', 'signer');
const STRANGER = makeKey('ES256', 'stranger');
const noKid = { header: { kid: undefined } };

/** Counts what it is asked to verify; each costs so much time. */
class CountingKey extends VerificationKey {
  verified = 0;

  constructor(
    jwk: object,
    private readonly milliseconds = 0,
  ) {
    super(jwk as Record<string, unknown>, JSON.stringify(jwk), () => undefined);
  }

  override verifies(...signed: Parameters<VerificationKey['verifies']>): boolean {
    this.verified++;
    advanceClock(this.milliseconds / 1000);
    return super.verifies(...signed);
  }
}

describe('SignatureVerifier', () => {
  let keys: CountingKey[];
  let held: IssuerKeySet;
  /** What a fetch brings; `undefined`: the same. */
  let renewed: IssuerKeySet | undefined;
  let renewals: number;
  let verifier: SignatureVerifier;
  let queue: VerificationQueue;

  const publish = (...published: CountingKey[]): void => {
    keys = published;
    held = new IssuerKeySet('https://issuer.example', published);
  };
  const others = (count: number, milliseconds?: number): CountingKey[] =>
    Array.from({ length: count }, () => new CountingKey(makeKey('ES256').jwk, milliseconds));
  const count = (): number => keys.reduce((sum, { verified }) => sum + verified, 0);
  const verify = async (token: string): Promise<Verification> => verifier.verify(decodeJwt(token));
  const reason = (token: string): Promise<unknown> =>
    verify(token).then(
      () => 'good',
      (error: unknown) => (error as { reason: string }).reason,
    );
  let minted = 0;
  const junk = (): string => signToken(STRANGER, { jti: minted++ }, noKid);

  beforeEach(() => {
    holdClock();
    renewed = undefined;
    renewals = 0;
    publish(new CountingKey(SIGNER.jwk), ...others(15));
    const issuerKeys: Pick<IssuerKeys, 'get' | 'renew'> = {
      get: () => held,
      renew: async (_seen, _kid, find) => {
        renewals++;
        return renewed && find(renewed);
      },
    };
    const options = { signingAlgorithms: ['ES256'] };
    queue = new VerificationQueue();
    verifier = new SignatureVerifier(issuerKeys as IssuerKeys, options, queue);
  });

  it('verifies a named token once, and remembers a forged one', async () => {
    expect(await reason(signToken(SIGNER, {}))).toBe('good');
    expect(count()).toBe(1);
    const forged = signToken({ ...STRANGER, kid: 'signer' }, {});
    expect([await reason(forged), await reason(forged)]).toEqual(['signature', 'signature']);
    expect([count(), renewals]).toEqual([2, 0]);
  });

  it('tries a token without kid against eight keys at the most, once, and looks for a newer key once', async () => {
    const token = junk();
    for (let i = 0; i < 5; i++) expect(await reason(token)).toBe('unknown_key');
    expect([count(), renewals]).toEqual([8, 1]);
  });

  it('looks again ten seconds later, without trying the same keys again', async () => {
    const token = junk();
    await reason(token);
    advanceClock(11);
    await reason(token);
    expect([count(), renewals]).toEqual([8, 2]);
  });

  it('tries a refused token again with another key set', async () => {
    const token = signToken(SIGNER, {}, noKid);
    publish(...others(1));
    expect(await reason(token)).toBe('unknown_key');
    publish(new CountingKey(SIGNER.jwk));
    expect(await reason(token)).toBe('good');
  });

  it('shares the verification of concurrent requests with one token', async () => {
    const token = junk();
    await Promise.all(Array.from({ length: 64 }, () => reason(token)));
    expect(count()).toBe(8);
  });

  it('lets the event loop go between two candidates', async () => {
    const turns: number[] = [];
    let isOver = false;
    const turn = (): void => {
      turns.push(count());
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    publish(...others(8, 6));
    // As the validator calls it.
    await queue.verify(() => reason(junk()));
    isOver = true;
    const steps = turns.map((verified, i) => verified - (turns[i - 1] ?? 0));
    expect(Math.max(...steps)).toBe(1);
  });

  it('has two seconds of CPU for tokens that do not name their key and fail, then a tenth of a second a second', async () => {
    publish(...others(8, 50));
    const reasons = await Promise.all(Array.from({ length: 20 }, () => reason(junk())));
    // 400 milliseconds each; some of it comes back meanwhile.
    const tried = reasons.filter((each) => each === 'unknown_key').length;
    expect(tried).toBeGreaterThanOrEqual(4);
    expect(tried).toBeLessThanOrEqual(7);
    expect(reasons.filter((each) => each === 'provider_unavailable')).toHaveLength(20 - tried);
    expect(count()).toBe(tried * 8);
    let further = 0;
    while ((await reason(junk())) === 'unknown_key') further++;
    expect(further).toBeLessThan(3);
    // Tokens that name their key are no part of it.
    publish(new CountingKey(SIGNER.jwk), ...others(2));
    expect(await reason(signToken(SIGNER, {}))).toBe('good');
    expect(await reason(signToken(SIGNER, {}, noKid))).toBe('provider_unavailable');
    advanceClock(10);
    expect(await reason(signToken(SIGNER, {}, noKid))).toBe('good');
  });

  it('takes a suspension in the middle of a verification for no CPU time', async () => {
    publish(new CountingKey(SIGNER.jwk, 3_600_000), ...others(1));
    const forged = (): string => signToken({ ...STRANGER, kid: 'signer' }, { jti: minted++ });
    expect(await reason(forged())).toBe('signature');
    publish(new CountingKey(SIGNER.jwk, 50), ...others(1));
    expect(await reason(signToken(SIGNER, {}))).toBe('good');
    expect(await reason(forged())).toBe('signature');

    // Of several keys the first is timed, and the others are paid for in advance: a second each, which comes back.
    publish(new CountingKey(makeKey('ES256').jwk, 3_600_000), ...others(1));
    expect(await reason(junk())).toBe('unknown_key');
    advanceClock(10);
    publish(...others(2));
    expect(await reason(junk())).toBe('unknown_key');
  });

  it('has two seconds of CPU for forged tokens that name their key, then half a second a second', async () => {
    publish(new CountingKey(SIGNER.jwk, 50), ...others(1));
    const forged = (): string => signToken({ ...STRANGER, kid: 'signer' }, { jti: minted++ });
    const known = signToken(SIGNER, {});
    expect(await reason(known)).toBe('good');
    let tried = 0;
    while ((await reason(forged())) === 'signature') tried++;
    // Half of the time comes back meanwhile.
    expect(tried).toBeGreaterThanOrEqual(60);
    expect(tried).toBeLessThanOrEqual(100);
    expect(count()).toBe(1 + tried);
    expect(await reason(signToken(SIGNER, { jti: 'new' }))).toBe('provider_unavailable');
    advanceClock(1);
    expect(await reason(signToken(SIGNER, { jti: 'new' }))).toBe('good');
    // Good signatures take nothing of it.
    for (let i = 0; i < 100; i++) expect(await reason(signToken(SIGNER, { i }))).toBe('good');
  });

  it('takes nothing of that for good tokens, however many keys come before theirs', async () => {
    publish(...others(4, 50), new CountingKey(SIGNER.jwk));
    for (let i = 0; i < 20; i++) expect(await reason(signToken(SIGNER, { i }, noKid))).toBe('good');
  });

  it('looks for a newer key where the kid is unknown, although a key without kid fits', async () => {
    publish(new CountingKey({ ...STRANGER.jwk, kid: undefined }));
    renewed = new IssuerKeySet('https://issuer.example', [new CountingKey(SIGNER.jwk)]);
    expect(await verify(signToken(SIGNER, {}))).toMatchObject({ keySet: renewed });
    expect(renewals).toBe(1);
  });

  it('does not look for a newer key where the kid is known, whether its key fits or not', async () => {
    publish(
      new CountingKey({ ...SIGNER.jwk, use: 'enc' }),
      new CountingKey({ ...STRANGER.jwk, kid: undefined }),
    );
    expect(await reason(signToken(SIGNER, {}))).toBe('signature');
    publish(new CountingKey({ ...SIGNER.jwk, use: 'enc' }));
    expect(await reason(signToken(SIGNER, {}))).toBe('unknown_key');
    expect(renewals).toBe(0);
  });
});
