/** What is remembered of tokens for other APIs, how many, and for how long. */
import { RememberedAccessTokens, type Subject } from '../../../lib/calling/remembered-access-tokens.js';
import { advanceClock, holdClock } from '../../support/clock.js';

const subjectOf = (token: string): Subject => ({ token, claims: { iss: 'i', sub: token } });
const issued = (accessToken: string, expiresIn = 600) => Promise.resolve({ accessToken, expiresIn });

describe('RememberedAccessTokens', () => {
  let tokens: RememberedAccessTokens;
  beforeEach(() => {
    holdClock();
    tokens = new RememberedAccessTokens();
  });

  it('is bounded by number', async () => {
    for (let i = 0; i < 10_100; i++) await tokens.get([i], undefined, () => issued(`t${i}`));
    expect(tokens.size).toBe(10_000);
    expect(tokens.get([10_099], undefined, () => issued('anew'))).toBe('t10099');
    expect(await tokens.get([0], undefined, () => issued('anew'))).toBe('anew');
  });

  it('has for each caller its own, also for one that had to go', async () => {
    for (const round of ['first', 'second']) {
      for (let i = 0; i < 12_000; i++) {
        const token = await tokens.get([i], subjectOf(`${i}`), () => issued(`${i} ${round}`));
        if (token.split(' ')[0] !== `${i}`) throw new Error(`${i} got ${token}`);
      }
    }
    expect(tokens.size).toBe(10_000);
  });

  it('is bounded by length', async () => {
    const long = 'a'.repeat(60_000);
    for (let i = 0; i < 600; i++) await tokens.get([i], subjectOf(`${i}`), () => issued(long));
    expect(tokens.size).toBeLessThanOrEqual(500);
  });

  it('counts the lifetime from before the request', async () => {
    await tokens.get(['a'], undefined, () => {
      advanceClock(100);
      return issued('slow', 600);
    });
    advanceClock(469);
    expect(tokens.get(['a'], undefined, () => issued('anew'))).toBe('slow');
    advanceClock(2);
    expect(await tokens.get(['a'], undefined, () => issued('anew'))).toBe('anew');
  });

  it('forgets a token that was replaced by one that is not to be remembered', async () => {
    await tokens.get(['a'], undefined, () => issued('first', 10));
    advanceClock(10);
    expect(
      await tokens.get(['a'], undefined, () =>
        Promise.resolve({ accessToken: 'second', expiresIn: undefined }),
      ),
    ).toBe('second');
    expect(tokens.size).toBe(0);
  });

  it('remembers no failure', async () => {
    const failing = (): Promise<never> => Promise.reject(new Error('down'));
    await expect(tokens.get(['a'], undefined, failing)).rejects.toThrow('down');
    expect(await tokens.get(['a'], undefined, () => issued('up'))).toBe('up');
  });

  it('forgets what was got for the tokens that are picked', async () => {
    for (const name of ['ann', 'bob']) await tokens.get([name], subjectOf(name), () => issued(`for ${name}`));
    await tokens.get(['own'], undefined, () => issued('own'));
    expect(tokens.forget((_, { sub }) => sub === 'ann')).toBe(1);
    expect(tokens.size).toBe(2);
  });

  it('does not remember what was requested before something was forgotten', async () => {
    let answer: (token: { accessToken: string; expiresIn: number }) => void = () => undefined;
    const first = tokens.get(['a'], subjectOf('ann'), () => new Promise((resolve) => (answer = resolve)));
    tokens.forget(() => false);
    expect(await tokens.get(['a'], subjectOf('ann'), () => issued('second'))).toBe('second');
    answer({ accessToken: 'first', expiresIn: 600 });
    expect(await first).toBe('first');
    expect(tokens.size).toBeLessThanOrEqual(1);
    expect(await tokens.get(['a'], subjectOf('ann'), () => issued('third'))).not.toBe('first');
  });
});
