/** Nonces tell when they were made, for a while, and to those who know the secret. RFC 9449 section 9. */
import { NONCE_REACH, NonceIssuer } from '../../../lib/binding/dpop-nonce.js';

const MINUTE = 1_800_000_000;
const nonces = (secret = 'secret'): NonceIssuer => new NonceIssuer(secret);

it('a nonce is the same for a minute, in every instance, and no secret', () => {
  const nonce = nonces().current(MINUTE);
  expect(nonce).toMatch(/^[\w-]{32}$/);
  expect([nonces().current(MINUTE + 59.9), nonces().current(MINUTE + 30)]).toEqual([nonce, nonce]);
  expect(new Set([-60, 0, 60, 120].map((seconds) => nonces().current(MINUTE + seconds))).size).toBe(4);
  expect(nonces('other').current(MINUTE)).not.toBe(nonce);
});

it.each<[now: number, isKnown: boolean]>([
  [-60.1, false],
  [-60, true],
  [-1, true],
  [0, true],
  [59.9, true],
  [60, true],
  [119.9, true],
  [120, false],
])('%d s after its minute began it is known: %p', (now, isKnown) => {
  const nonce = nonces().current(MINUTE);
  expect(nonces().timeOf(nonce, MINUTE + now)).toBe(isKnown ? MINUTE : undefined);
  expect([now >= -NONCE_REACH.before, now < NONCE_REACH.after]).toEqual([now >= -60, now < 120]);
});

it('what another one made, or nobody, is not known', () => {
  const nonce = nonces().current(MINUTE);
  for (const other of [
    nonces('other').current(MINUTE),
    '',
    nonce.slice(1),
    `${nonce}A`,
    `é${nonce.slice(1)}`,
  ])
    expect(nonces().timeOf(other, MINUTE)).toBeUndefined();
});
