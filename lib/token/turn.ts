/**
 * When is a token checked that was not seen before? After the requests that have arrived with it have been read, together
 * with other such tokens.
 *
 * Whoever needs no check does not wait for those who do. And a check takes up to twice as long between the reading of two
 * requests as it does after another check: the processor finds what it needs nearby.
 */
import { setImmediate } from 'node:timers';

/** Then those who need no check are heard again: after some milliseconds, however many wait. */
const MOST_IN_A_TURN = 32;

const waiting: (() => void)[] = [];

/** In the order of the calls; within the same round of the event loop unless too many wait. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(take);
  });
}

function take(): void {
  for (const resolve of waiting.splice(0, MOST_IN_A_TURN)) resolve();
  if (waiting.length > 0) setImmediate(take);
}
