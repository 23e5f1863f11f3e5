/** When the provider is left alone, who tries it again, and how many calls are under way. */
import { ProviderUnavailableError, TokenError } from '../../../lib/errors/auth.errors.js';
import { CircuitBreaker } from '../../../lib/issuer/circuit-breaker.js';
import { advanceClock, holdClock } from '../../support/clock.js';

const OUTAGE = new ProviderUnavailableError({ detail: 'the provider answered 500' });

/** A provider that is down, but for some tokens; or that is up, but for some. */
class Provider {
  isUp = true;
  readonly exceptions = new Set<string>();
  readonly asked: string[] = [];
  error: Error = OUTAGE;

  readonly answer = (token: string) => (): Promise<string> => {
    this.asked.push(token);
    return this.isUp === this.exceptions.has(token) ? Promise.reject(this.error) : Promise.resolve('answer');
  };
}

describe('CircuitBreaker', () => {
  let provider: Provider;
  let breaker: CircuitBreaker;
  beforeEach(() => {
    holdClock();
    provider = new Provider();
    breaker = new CircuitBreaker({ responseTimeout: 10 });
  });

  const ask = (token: string): Promise<'good' | 'bad' | 'failed'> =>
    breaker.run(token, provider.answer(token)).then(
      () => 'good' as const,
      (error: unknown) => (error instanceof ProviderUnavailableError ? 'failed' : 'bad'),
    );
  const open = async (): Promise<void> => {
    provider.isUp = false;
    for (let i = 0; i < 5; i++) await ask(`opener-${i}`);
    expect(breaker.isOpen).toBe(true);
  };
  /** Counts what the provider is asked meanwhile. */
  const askedBy = async (work: () => Promise<unknown>): Promise<number> => {
    const before = provider.asked.length;
    await work();
    return provider.asked.length - before;
  };

  it('opens after five tokens in a row, and asks nobody then', async () => {
    provider.isUp = false;
    for (let i = 0; i < 4; i++) await ask(`token-${i}`);
    expect(breaker.isOpen).toBe(false);
    await ask('token-4');
    expect(breaker.isOpen).toBe(true);
    expect(await askedBy(() => ask('token-5'))).toBe(0);
  });

  it('counts no answer as a failure, whatever it says', async () => {
    provider.isUp = false;
    provider.error = new TokenError('inactive_token');
    for (let i = 0; i < 20; i++) expect(await ask(`token-${i}`)).toBe('bad');
    expect(breaker.isOpen).toBe(false);
  });

  it('does not open for one token on which the provider fails, however often it is sent', async () => {
    provider.exceptions.add('poison');
    for (let i = 0; i < 60; i++) {
      expect(await ask('poison')).toBe('failed');
      expect(breaker.isOpen).toBe(false);
    }
    for (let i = 0; i < 60; i++) expect(await ask(`good-${i}`)).toBe('good');
  });

  it('does not open for four such tokens, sent all the time', async () => {
    const poison = ['a', 'b', 'c', 'd'];
    poison.forEach((token) => provider.exceptions.add(token));
    for (let i = 0; i < 40; i++) await ask(poison[i % 4] ?? '');
    expect(breaker.isOpen).toBe(false);
    expect(await ask('good')).toBe('good');
  });

  it('counts from the beginning after a success, also tokens that failed before it', async () => {
    const tokens = ['a', 'b', 'c', 'd', 'e'];
    for (let round = 0; round < 3; round++) {
      provider.isUp = false;
      for (const token of tokens.slice(0, 4)) await ask(token);
      provider.isUp = true;
      expect([await ask(`good-${round}`), breaker.isOpen]).toEqual(['good', false]);
    }
    provider.isUp = false;
    for (const token of tokens) await ask(token);
    expect(breaker.isOpen).toBe(true);
  });

  it('asks about such a token less and less often', async () => {
    provider.exceptions.add('poison');
    const asked = await askedBy(async () => {
      for (let i = 0; i < 100; i++) {
        await ask('poison');
        advanceClock(0.1);
      }
    });
    expect(asked).toBeLessThanOrEqual(11);
  });

  it('is tried by one call about every second while it is open', async () => {
    await open();
    for (let second = 0; second < 5; second++) {
      advanceClock(1);
      const attempts = Array.from({ length: 50 }, (_, i) => ask(`token-${second}-${i}`));
      expect(await askedBy(() => Promise.all(attempts))).toBe(0);
    }
    expect(provider.asked).toHaveLength(5 + 5);
  });

  it('finds a provider that is back within two seconds, also by the one token that there is', async () => {
    provider.isUp = false;
    const tokens = ['a', 'b', 'c', 'd', 'e'];
    for (let i = 0; i < 40; i++) {
      for (const token of tokens) await ask(token);
      advanceClock(0.25);
    }
    expect(breaker.isOpen).toBe(true);
    provider.isUp = true;
    advanceClock(2);
    expect(await ask('a')).toBe('good');
    expect(await ask('b')).toBe('good');
  });

  it('is not kept open by a token on which the provider still fails', async () => {
    await open();
    provider.isUp = true;
    provider.exceptions.add('poison');
    advanceClock(1);
    expect(await ask('poison')).toBe('failed');
    // The attacker is quicker than everybody else, always.
    const answers: string[] = [];
    for (let i = 0; i < 8; i++) {
      advanceClock(0.25);
      await ask('poison');
      answers.push(await ask(`good-${i}`));
    }
    expect(answers.slice(4)).toEqual(['good', 'good', 'good', 'good']);
  });

  it('tries again before an attempt that hangs has ended', async () => {
    await open();
    advanceClock(1);
    const hanging = new Promise<string>(() => undefined);
    void breaker.run('hangs', () => hanging);
    expect(await askedBy(() => ask('next'))).toBe(0);
    provider.isUp = true;
    advanceClock(1.1);
    expect(await ask('next')).toBe('good');
    expect(breaker.isOpen).toBe(false);
  });

  it('is not closed during a pause by a call that was under way when it began', async () => {
    let answer: (value: string) => void = () => undefined;
    const slow = breaker.run('slow', () => new Promise<string>((resolve) => (answer = resolve)));
    await open();
    answer('at last');
    await slow;
    expect(breaker.isOpen).toBe(true);
    expect(await askedBy(() => ask('another'))).toBe(0);
  });

  it('does not pause longer for calls that were under way when the pause began', async () => {
    provider.isUp = false;
    const fails: (() => void)[] = [];
    const slow = Array.from({ length: 40 }, (_, i) =>
      breaker
        .run(`slow-${i}`, () => new Promise((_resolve, reject) => fails.push(() => reject(OUTAGE))))
        .catch(() => undefined),
    );
    await open();
    advanceClock(0.2);
    fails.forEach((fail) => fail());
    await Promise.all(slow);
    provider.isUp = true;
    advanceClock(0.31);
    expect(await ask('another')).toBe('good');
  });

  it('keeps a pause that the provider asks for, up to five minutes', async () => {
    provider.isUp = false;
    provider.error = new ProviderUnavailableError({ retryAfter: 3600, askedForPause: true });
    await ask('first');
    provider.isUp = true;
    advanceClock(298.5);
    await expect(breaker.run('second', provider.answer('second'))).rejects.toMatchObject({ retryAfter: 2 });
    advanceClock(2);
    expect(await ask('second')).toBe('good');
  });

  describe('of calls under way', () => {
    const hang = (count: number): { readonly ends: (() => void)[]; readonly results: Promise<string>[] } => {
      const ends: (() => void)[] = [];
      const results = Array.from({ length: count }, (_, i) =>
        breaker
          .run(`token-${i}`, () => new Promise<string>((resolve) => ends.push(() => resolve('answer'))))
          .catch((error: unknown) => (error as Error).message),
      );
      return { ends, results };
    };

    it('has 256 at the most, and makes the others as these end', async () => {
      const { ends, results } = hang(400);
      await new Promise(setImmediate);
      expect(ends).toHaveLength(256);
      for (let i = 0; i < 400; i++) {
        ends[i]?.();
        await new Promise(setImmediate);
        expect(ends.length).toBe(Math.min(400, 257 + i));
      }
      expect(new Set(await Promise.all(results))).toEqual(new Set(['answer']));
    });

    it('makes none for requests that have been answered by their deadline', async () => {
      const { ends, results } = hang(258);
      await new Promise(setImmediate);
      advanceClock(10.1);
      ends.forEach((end) => end());
      const answers = await Promise.all(results);
      expect(ends).toHaveLength(256);
      expect(answers.slice(256)).toEqual(Array(2).fill('The authorization server is not available'));
      // Nothing failed at the provider.
      expect(breaker.isOpen).toBe(false);
    });

    it('makes none of those that wait once it is open', async () => {
      const fails: (() => void)[] = [];
      const results = Array.from({ length: 600 }, (_, i) =>
        breaker
          .run(`token-${i}`, () => new Promise((_resolve, reject) => fails.push(() => reject(OUTAGE))))
          .catch(() => 'failed'),
      );
      await new Promise(setImmediate);
      fails.forEach((fail) => fail());
      await Promise.all(results);
      // Five open it; a slot may have been handed on before the fifth.
      expect(fails.length).toBeLessThanOrEqual(256 + 5);
    });
  });
});
