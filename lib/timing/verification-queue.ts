/**
 * When does a request go on? After all that have arrived with it have been read; those that need no check first.
 *
 * To do the same for several requests, one after the other, is quicker than to do everything for each: the processor finds
 * what it needs nearby. A signature takes up to twice as long between the reading of two requests as it does after another
 * signature. The first of those who arrive together waits until the others are read; who comes alone does not wait.
 */
import { setImmediate } from 'node:timers';

/** Then those who need no check are heard again: after some milliseconds, however many wait. */
const MAX_VERIFICATIONS_PER_TURN = 32;

const known: (() => void)[] = [];
const unknown: (() => void)[] = [];

/** For a request that only has to be answered: in this round of the event loop. */
export function waitForBatch(): Promise<void> {
  return lineUp(known);
}

/** For what takes a signature: in the order of the calls, in this round of the event loop unless too many wait. */
export function waitForVerification(): Promise<void> {
  return lineUp(unknown);
}

function lineUp(line: (() => void)[]): Promise<void> {
  if (known.length + unknown.length === 0) setImmediate(take);
  return new Promise((resolve) => {
    line.push(resolve);
  });
}

function take(): void {
  for (const resolve of known.splice(0)) resolve();
  for (const resolve of unknown.splice(0, MAX_VERIFICATIONS_PER_TURN)) resolve();
  if (unknown.length > 0) setImmediate(take);
}
