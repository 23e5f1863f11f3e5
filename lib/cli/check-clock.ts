/** Checks that the local clock agrees with the provider's, and that the provider responds in time. */
import type { ResolvedOptions } from '../options/auth-options.js';
import type { Sources } from './command.js';
import type { Finding } from './findings.js';
import { variableOf } from './read-settings.js';
import type { WatchedCall } from './watched-client.js';

/** Clocks that NTP synchronizes differ by less, in seconds. */
const NORMAL = 30;
/** The inaccuracy of the `Date` header, in seconds. */
const RESOLUTION = 1.5;

export function checkClock(
  calls: readonly WatchedCall[],
  { clockSkew, clockTolerance }: Pick<ResolvedOptions, 'clockSkew' | 'clockTolerance'>,
  sources: Sources,
): Finding {
  const differences = calls.flatMap(({ clockDifference }) => clockDifference ?? []);
  if (differences.length === 0)
    return { status: '-', check: 'clock', found: 'no response of the provider has a Date header' };
  // The date of a response from a cache is too old, so the smallest difference is the most accurate.
  const raw = differences.reduce((least, each) => (Math.abs(each) < Math.abs(least) ? each : least));
  const off = raw - clockSkew;
  const size = Math.abs(off);
  const found = `${describe(off)}${clockSkew === 0 ? '' : `, after clockSkew (${clockSkew} s)`}`;
  if (size <= Math.min(NORMAL, clockTolerance) + RESOLUTION) return { status: 'ok', check: 'clock', found };
  const change = `synchronize this machine's clock (NTP); until then ${variableOf('clockSkew', sources)}=${Math.round(raw)}`;
  return size <= clockTolerance + RESOLUTION
    ? {
        status: 'warn',
        check: 'clock',
        found: `${found}: clockTolerance (${clockTolerance} s) still tolerates it`,
        change,
      }
    : {
        status: 'FAIL',
        check: 'clock',
        found: `${found}, more than clockTolerance (${clockTolerance} s): ${off < 0 ? 'new tokens are rejected as not yet valid' : 'valid tokens are rejected as expired'}`,
        change,
      };
}

function describe(off: number): string {
  const size = Math.abs(off);
  if (size <= RESOLUTION) return "agrees with the provider's";
  const amount = size < 120 ? `${Math.round(size)} s` : `${Math.round(size / 60)} min`;
  return `${amount} ${off > 0 ? 'ahead of' : 'behind'} the provider's`;
}

export function checkSpeed(
  calls: readonly WatchedCall[],
  { responseTimeout }: Pick<ResolvedOptions, 'responseTimeout'>,
  sources: Sources,
): Finding {
  const slowest = Math.max(...calls.map(({ seconds }) => seconds));
  const found = `slowest of ${calls.length} responses: ${Math.ceil(slowest * 1000)} ms; the limit is ${responseTimeout} s`;
  return slowest <= responseTimeout / 2
    ? { status: 'ok', check: 'speed', found }
    : {
        status: 'warn',
        check: 'speed',
        found,
        change: `check the network path to the provider, or increase ${variableOf('responseTimeout', sources)}`,
      };
}
