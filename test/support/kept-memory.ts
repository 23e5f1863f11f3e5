/** How much memory something keeps. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What is left in the heap, in bytes, of what a function has made, together with what it returns. */
export function bytesKeptBy(make: () => unknown): number {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const kept = [make()];
  collectGarbage();
  const bytes = process.memoryUsage().heapUsed - before;
  kept.pop();
  return bytes;
}
