/** What is remembered of answers and refusals, for how long, and what forgetting reaches. */
import { invalidToken, TokenError } from '../../../lib/errors/auth.errors.js';
import {
  IntrospectionCache,
  MEMORY_TTL_BESIDE_SHARED_SECONDS,
} from '../../../lib/introspection/introspection-cache.js';
import { Sealer } from '../../../lib/introspection/sealed-value.js';
import { SharedAnswers, type Answered } from '../../../lib/introspection/shared-answers.js';
import { SharedCache } from '../../../lib/introspection/shared-cache.js';
import { ValidatedToken } from '../../../lib/token/validated-token.js';
import { advanceClock, holdClock, jumpClock, setClock } from '../../support/clock.js';
import { ANY_ISSUER } from '../../support/any-issuer.js';

const OPTIONS = {
  issuer: 'https://issuer.example',
  audience: 'https://api.example.com',
  clockSkew: 0,
  clockTolerance: 300,
  introspectionCacheDuration: 300,
};
const now = (): number => Date.now() / 1000;

class MapCache {
  readonly entries = new Map<string, string>();
  get = (key: string): unknown => this.entries.get(key);
  set = (key: string, value: string): unknown => this.entries.set(key, value);
  delete = (key: string): unknown => this.entries.delete(key);
}

describe('IntrospectionCache', () => {
  let cache: IntrospectionCache;
  beforeEach(() => {
    holdClock();
    setClock(1_800_000_000);
    cache = new IntrospectionCache(OPTIONS);
  });

  const answered = (claims: Record<string, unknown> = {}, askedAt = now()): Answered => ({
    issuer: OPTIONS.issuer,
    claims: { sub: 'ann', exp: now() + 600, ...claims } as never,
    askedAt,
  });
  const keep = (token: string, answer = answered(), to = cache): void =>
    to.keep(new ValidatedToken(token, answer.claims, ANY_ISSUER), answer);
  const isHeld = (token: string, maxAge?: number): boolean => cache.recall(token, maxAge) !== undefined;
  const refuse = (token: string, error = new TokenError('inactive_token'), claims = {}): void =>
    cache.keepRefusal(token, error, false, claims);
  const isRefused = (token: string, maxAge?: number): boolean =>
    cache.recallRefusal(token, maxAge) !== undefined;

  describe('answers', () => {
    it('are held for introspectionCacheDuration after they were asked for', () => {
      keep('token', answered({}, now() - 100));
      advanceClock(199);
      expect(isHeld('token')).toBe(true);
      advanceClock(2);
      expect(isHeld('token')).toBe(false);
    });

    it('are held until exp, to the fraction, and not beyond by clockTolerance', () => {
      keep('token', answered({ exp: now() + 10.5 }));
      advanceClock(10.4);
      expect(isHeld('token')).toBe(true);
      advanceClock(0.2);
      expect(isHeld('token')).toBe(false);
    });

    it('are held without exp', () => {
      keep('token', answered({ exp: undefined }));
      expect(isHeld('token')).toBe(true);
    });

    it('are not held where they are too old, or the duration is 0', () => {
      keep('token', answered({}, now() - 300));
      expect(isHeld('token')).toBe(false);
      const without = new IntrospectionCache({ ...OPTIONS, introspectionCacheDuration: 0 });
      keep('token', answered(), without);
      expect(without.recall('token')).toBeUndefined();
    });

    it('are not held longer because somebody sets the wall clock back', () => {
      keep('token');
      jumpClock(-3600);
      advanceClock(301);
      expect(isHeld('token')).toBe(false);
    });

    it('count for a route by their age', () => {
      keep('token', answered({}, now() - 5));
      advanceClock(4);
      expect([isHeld('token', 9.1), isHeld('token', 8.9), isHeld('token', 0)]).toEqual([true, false, false]);
    });

    it('end a refusal', () => {
      refuse('token');
      keep('token');
      expect(isRefused('token')).toBe(false);
    });
  });

  describe('refusals', () => {
    it('are held for ten seconds, or as long as answers are', () => {
      refuse('token');
      advanceClock(9.9);
      expect(isRefused('token')).toBe(true);
      advanceClock(0.2);
      expect(isRefused('token')).toBe(false);
      cache = new IntrospectionCache({ ...OPTIONS, introspectionCacheDuration: 3 });
      refuse('token');
      advanceClock(3.1);
      expect(isRefused('token')).toBe(false);
      cache = new IntrospectionCache({ ...OPTIONS, introspectionCacheDuration: 0 });
      refuse('token');
      expect(isRefused('token')).toBe(false);
    });

    it('count for a route by their age', () => {
      refuse('token');
      advanceClock(3);
      expect([isRefused('token', 3.1), isRefused('token', 2.9), isRefused('token', 0)]).toEqual([
        true,
        false,
        false,
      ]);
    });

    it.each(['nbf', 'iat'])('for a %s ahead are held until it has passed', (claim) => {
      const error = invalidToken('not_yet_valid', 'too early');
      refuse('token', error, { nbf: 0, iat: 0, [claim]: now() + 300 + 2.5 });
      advanceClock(2.4);
      expect(isRefused('token')).toBe(true);
      advanceClock(0.2);
      expect(isRefused('token')).toBe(false);
    });

    it('for another reason do not end with nbf', () => {
      refuse('token', invalidToken('audience', 'for somebody else'), { nbf: now() + 302 });
      advanceClock(5);
      expect(isRefused('token')).toBe(true);
    });

    it('end an answer', () => {
      keep('token');
      refuse('token');
      expect(isHeld('token')).toBe(false);
    });

    it('are bounded, and push no answer out', () => {
      keep('good');
      for (let i = 0; i <= 10_000; i++) refuse(`junk-${i}`);
      expect([isHeld('good'), isRefused('junk-0'), isRefused('junk-10000')]).toEqual([true, false, true]);
    });
  });

  describe('forget', () => {
    it('reaches every spelling of a token, and those that share its identifier', async () => {
      const spellings = ['the-token', 'the-token=', 'THE-TOKEN', 'the+tokem'];
      spellings.forEach((token) => keep(token, answered({ jti: 'j-1' })));
      keep('something-else', answered({ jti: 'j-1' }));
      keep('another', answered({ jti: 'j-2' }));
      keep('without-jti', answered());
      expect(await cache.forget({ token: 'the-token' })).toEqual({ evicted: 5, sharedAnswered: true });
      expect(
        [...spellings, 'something-else', 'another', 'without-jti'].map((token) => isHeld(token)),
      ).toEqual([false, false, false, false, false, true, true]);
    });

    it('reaches no token for having no identifier, or an empty one', async () => {
      keep('first', answered({ jti: '' }));
      keep('second', answered({ jti: '' }));
      keep('third');
      expect(await cache.forget({ token: 'first' })).toMatchObject({ evicted: 1 });
    });

    it('keeps what was asked for before out, here and in the shared cache', async () => {
      const map = new MapCache();
      const shared = new SharedAnswers(
        new SharedCache(map, { warn: () => undefined }),
        new Sealer('a-secret'),
        OPTIONS,
      );
      cache = new IntrospectionCache(OPTIONS, shared);
      const before = answered();
      await cache.forget({ sub: 'bob' });
      const marks = map.entries.size;
      keep('token', before);
      cache.share('token', before);
      expect([isHeld('token'), map.entries.size]).toEqual([false, marks]);
      advanceClock(0.001);
      const after = answered();
      keep('token', after);
      cache.share('token', after);
      expect([isHeld('token'), map.entries.size]).toEqual([true, marks + 1]);
    });

    it.each([{ sub: 'ann' }, { token: 'token' }])('marks %j for the other instances', async (selector) => {
      const map = new MapCache();
      const make = (): IntrospectionCache =>
        new IntrospectionCache(
          OPTIONS,
          new SharedAnswers(new SharedCache(map, { warn: () => undefined }), new Sealer('a-secret'), OPTIONS),
        );
      const [first, second, third] = [make(), make(), make()];
      first.share('token', answered({ jti: 'j-1' }));
      first.share('other-form', answered({ jti: 'j-1' }));
      keep('token', answered({ jti: 'j-1' }), second);
      expect(await third.recallShared('token')).toBeDefined();
      await second.forget(selector);
      expect([await third.recallShared('token'), await third.recallShared('other-form')]).toEqual([
        undefined,
        undefined,
      ]);
    });
  });

  describe('beside a shared cache', () => {
    let map: MapCache;
    beforeEach(() => {
      map = new MapCache();
      const shared = new SharedCache(map, { warn: () => undefined });
      cache = new IntrospectionCache(OPTIONS, new SharedAnswers(shared, new Sealer('a-secret'), OPTIONS));
    });

    it('holds answers for seconds only', () => {
      keep('token');
      advanceClock(MEMORY_TTL_BESIDE_SHARED_SECONDS - 0.1);
      expect(isHeld('token')).toBe(true);
      advanceClock(0.2);
      expect(isHeld('token')).toBe(false);
    });

    it('takes no answer past its time, and shares none', async () => {
      cache.share('token', answered());
      advanceClock(299);
      expect(await cache.recallShared('token')).toBeDefined();
      advanceClock(2);
      expect(await cache.recallShared('token')).toBeUndefined();
      cache.share('old', answered({}, now() - 301));
      expect(map.entries.size).toBe(1);
    });

    it('takes a refused token out of it where it may lie there', async () => {
      cache.share('token', answered());
      cache.keepRefusal('token', new TokenError('inactive_token'), true, undefined);
      expect(await cache.recallShared('token')).toBeUndefined();
      cache.share('held', answered());
      keep('held');
      refuse('held');
      expect(await cache.recallShared('held')).toBeUndefined();
    });
  });
});
