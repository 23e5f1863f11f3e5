/** When the provider is asked, whose answer a request takes, and what an answer must say. */
import type { IntrospectionAnswer } from '../../../lib/introspection/introspection-answer.js';
import { IntrospectionCache } from '../../../lib/introspection/introspection-cache.js';
import { OpaqueTokenValidator } from '../../../lib/introspection/opaque-token.validator.js';
import type { ValidatedToken } from '../../../lib/token/validated-token.js';
import { ANY_ISSUER } from '../../support/any-issuer.js';
import { advanceClock, holdClock } from '../../support/clock.js';
import { encode } from '../../support/tokens.js';

const ISSUER = 'https://issuer.example';
const OPTIONS = {
  issuer: ISSUER,
  audience: 'https://api.example.com',
  clockSkew: 0,
  clockTolerance: 0,
  introspectionCacheDuration: 300,
  introspectJwtTokens: false,
  allowMissingAudience: false,
};
const now = (): number => Date.now() / 1000;

/** Answers when it is told to. */
class Provider {
  readonly #answers: ((answer: IntrospectionAnswer) => void)[] = [];
  readonly introspect = (): Promise<IntrospectionAnswer> =>
    new Promise((resolve) => {
      this.#answers.push(resolve);
    });
  get asked(): number {
    return this.#answers.length;
  }
  answer(call: number, claims: Record<string, unknown> = {}): void {
    const good = { active: true, aud: OPTIONS.audience, exp: now() + 600 };
    this.#answers[call]?.({ issuer: ISSUER, claims: { ...good, ...claims } });
  }
}

describe('OpaqueTokenValidator', () => {
  let provider: Provider;
  let validator: OpaqueTokenValidator;
  beforeEach(() => {
    holdClock();
    provider = new Provider();
    validator = new OpaqueTokenValidator(ANY_ISSUER, provider, new IntrospectionCache(OPTIONS), OPTIONS);
  });

  const settle = (): Promise<void> => new Promise(setImmediate);
  /** What comes of a request that is sent now. */
  const request = (maxAge?: number, token = 'token'): Promise<string> =>
    (async () => validator.validate(token, maxAge))().then(
      () => 'good',
      (error: unknown) => String((error as { detail?: string }).detail),
    );

  it('asks once for requests that come together, and not again while the answer is fresh', async () => {
    const requests = [request(), request()];
    await settle();
    provider.answer(0);
    expect(await Promise.all([...requests, request()])).toEqual(['good', 'good', 'good']);
    expect(provider.asked).toBe(1);
  });

  it('joins no request after forget() to an introspection from before', async () => {
    const before = request();
    await settle();
    await validator.forget({ sub: 'ann' });
    const after = request();
    await settle();
    expect(provider.asked).toBe(2);
    provider.answer(0);
    provider.answer(1, { active: false });
    expect([await before, await after]).toEqual(['good', 'the provider reports active: false']);
    expect(await request()).toBe('the provider reports active: false');
  });

  it('joins no request that wants to know now to an introspection from before', async () => {
    const before = request();
    await settle();
    advanceClock(1);
    const [recent, live] = [request(2), request(0)];
    await settle();
    provider.answer(0);
    expect([await before, await recent]).toEqual(['good', 'good']);
    await settle();
    expect(provider.asked).toBe(2);
    provider.answer(1, { active: false });
    expect(await live).toBe('the provider reports active: false');
  });

  it('takes a refusal of the age that a route allows', async () => {
    const first = request(30);
    await settle();
    provider.answer(0, { active: false });
    await first;
    advanceClock(6);
    expect([await request(30), provider.asked]).toEqual(['the provider reports active: false', 1]);
    void request(5);
    await settle();
    expect(provider.asked).toBe(2);
  });

  it('asks again once a token has become valid', async () => {
    const nbf = now() + 1.5;
    const early = request();
    await settle();
    provider.answer(0, { nbf });
    expect(await early).toContain('the token starts in 2 s');
    advanceClock(1);
    expect([await request(), provider.asked]).toEqual(['the token starts in 2 s', 1]);
    advanceClock(0.6);
    const late = request();
    await settle();
    provider.answer(1, { nbf });
    expect(await late).toBe('good');
  });

  describe('the binding of a JWT', () => {
    const jwt = (claims: unknown): string => `${encode({ alg: 'ES256' })}.${encode(claims)}.AAAA`;
    const validated = async (token: string, answer: Record<string, unknown>): Promise<ValidatedToken> => {
      const pending = Promise.resolve(validator.validate(token));
      await settle();
      provider.answer(0, answer);
      return pending;
    };

    it('holds where the answer leaves it out', async () => {
      const { claims } = await validated(jwt({ cnf: { jkt: 'thumbprint' } }), { sub: 'ann' });
      expect(claims).toMatchObject({ sub: 'ann', cnf: { jkt: 'thumbprint' } });
    });

    it('is that of the answer where both have one', async () => {
      const { claims } = await validated(jwt({ cnf: { jkt: 'old' } }), { cnf: { jkt: 'new' } });
      expect(claims.cnf).toEqual({ jkt: 'new' });
    });

    it('that cannot be read is refused', async () => {
      await expect(validated(jwt({ cnf: 'x' }), {})).rejects.toMatchObject({
        detail: 'cnf is not an object',
      });
    });

    it('is none where the three parts are no JWT', async () => {
      const { claims } = await validated('v4.public.opaque', { sub: 'ann' });
      expect(claims.cnf).toBeUndefined();
    });
  });
});
