/** Answers that instances share: what was forgotten is not taken, whatever the clocks of the instances say. */
import { Sealer } from '../../../lib/introspection/sealed-value.js';
import { SharedAnswers, type Answered } from '../../../lib/introspection/shared-answers.js';
import { SharedCache } from '../../../lib/introspection/shared-cache.js';
import { holdClock } from '../../support/clock.js';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'https://api.example.com';
const NOW = 1_800_000_000;
const CLAIMS = {
  iss: ISSUER,
  sub: 'ann',
  aud: AUDIENCE,
  exp: NOW + 600,
  iat: NOW,
  sid: 's-1',
  jti: 'j-1',
  client_id: 'shop',
};

class MapCache {
  readonly entries = new Map<string, string>();
  readonly times = new Map<string, number>();
  isUp = true;
  get = (key: string): unknown => this.#up(this.entries.get(key));
  set = (key: string, value: string, ttl: number): unknown => {
    this.times.set(key, ttl);
    return this.#up(this.entries.set(key, value));
  };
  delete = (key: string): unknown => this.#up(this.entries.delete(key));
  #up<T>(value: T): T {
    if (!this.isUp) throw new Error('down');
    return value;
  }
}

describe('SharedAnswers', () => {
  let cache: MapCache;
  beforeEach(() => {
    holdClock();
    cache = new MapCache();
  });

  const instance = (secret = 'a-secret', options = {}): SharedAnswers =>
    new SharedAnswers(new SharedCache(cache, { warn: () => undefined }), new Sealer(secret), {
      issuer: ISSUER,
      audience: AUDIENCE,
      ...options,
    });
  const askedAt = (time: number): Answered => ({ issuer: ISSUER, claims: CLAIMS, askedAt: time });

  it('are read by another instance with the same secret, issuer and audience, and by no other', async () => {
    await instance().set('token', askedAt(NOW), 300);
    expect(await instance().get('token')).toEqual(askedAt(NOW));
    for (const other of [
      instance('another-secret'),
      instance('a-secret', { audience: 'https://other.example' }),
      instance('a-secret', { issuer: 'https://other.example' }),
    ])
      expect(await other.get('token')).toBeUndefined();
    expect(await instance().get('another-token')).toBeUndefined();
  });

  it.each([
    ['no object', []],
    ['no issuer', { claims: {}, askedAt: 1 }],
    ['no claims', { issuer: ISSUER, askedAt: 1 }],
    ['a time as text', { issuer: ISSUER, claims: {}, askedAt: '1' }],
  ])('are a miss where another version wrote %s', async (_, value) => {
    await instance().set('token', value as never, 300);
    expect(await instance().get('token')).toBeUndefined();
  });

  it('are gone once deleted', async () => {
    await instance().set('token', askedAt(NOW), 300);
    expect(await instance().delete('token')).toBe(true);
    expect(await instance().get('token')).toBeUndefined();
  });

  describe.each([
    [{ token: 'token' }],
    [{ sub: 'ann' }],
    [{ sid: 's-1' }],
    [{ jti: 'j-1' }],
    [{ clientId: 'shop' }],
  ])('forgotten by %j', (selector) => {
    it.each([
      ['asked for before', NOW - 1, false],
      ['asked for at that moment', NOW, false],
      ['asked for a little later, by a clock that may be ahead', NOW + 1.9, false],
      ['asked for later', NOW + 2.1, true],
    ])('%s', async (_, time, isTaken) => {
      await instance().set('token', askedAt(time), 300);
      expect(await instance().mark(selector, NOW, 300)).toBe(true);
      expect(await instance().get('token')).toEqual(isTaken ? askedAt(time) : undefined);
    });
  });

  it.each(['TOKEN-with-more', 'token-with-mor8', 'token-with-more=='])(
    'forgotten by a token are not taken for its other spelling %s',
    async (other) => {
      await instance().set(other, askedAt(NOW - 1), 300);
      await instance().mark({ token: 'token-with-more' }, NOW, 300);
      expect(await instance().get(other)).toBeUndefined();
    },
  );

  it('are taken where somebody else was forgotten', async () => {
    await instance().set('token', askedAt(NOW), 300);
    await instance().mark({ sub: 'bob' }, NOW, 300);
    await instance('another-secret').mark({ sub: 'ann' }, NOW, 300);
    expect(await instance().get('token')).toEqual(askedAt(NOW));
  });

  it('are not taken where the mark is garbage, or cannot be read', async () => {
    await instance().set('token', askedAt(NOW), 300);
    await instance().mark({ sub: 'ann' }, NOW - 100, 300);
    expect(await instance().get('token')).toEqual(askedAt(NOW));
    const [mark = ''] = [...cache.entries.keys()].slice(-1);
    cache.entries.set(mark, 'garbage');
    expect(await instance().get('token')).toBeUndefined();
    cache.entries.delete(mark);
    const get = cache.get;
    cache.get = (key) => (key === mark ? Promise.reject(new Error('gone')) : get(key));
    expect(await instance().get('token')).toBeUndefined();
  });

  it('marks outlive the answers that they are about, by what clocks may differ', async () => {
    await instance().mark({ sub: 'ann' }, NOW, 300);
    expect([...cache.times.values()]).toEqual([302]);
  });

  it('says where the cache did not take a mark', async () => {
    cache.isUp = false;
    expect(await instance().mark({ sub: 'ann' }, NOW, 300)).toBe(false);
  });
});
