/** The order of the test files: what takes longest goes first, so that the other workers have something left to do beside it. */
import TestSequencer from '@jest/test-sequencer';

/** In this order. A first run has no times to go by, and would go by the size of the files. */
const LONG = ['/test/browser/', '/test/package/tarball', '/test/interop/'];

const rankOf = ({ path }) => {
  const rank = LONG.findIndex((part) => path.replaceAll('\\', '/').includes(part));
  return rank === -1 ? LONG.length : rank;
};

export default class LongestFirst extends TestSequencer {
  /** As listed, then as Jest has it: what failed last time first, then by the times of the last run. */
  sort(tests) {
    // oxlint-disable-next-line unicorn/no-array-sort -- not an array's
    return super.sort(tests).toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}
