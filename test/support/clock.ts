/** The clock, set by hand: both the wall's and the one that only runs forward; and the intervals that end with it. */
import { afterEach } from '@jest/globals';

const wall = Date.now.bind(Date);
const monotonic = performance.now.bind(performance);
let wallOffset = 0;
let monotonicOffset = 0;
let held: { readonly wall: number; readonly monotonic: number } | undefined;

Date.now = () => (held?.wall ?? wall()) + wallOffset * 1000;
performance.now = () => (held?.monotonic ?? monotonic()) + monotonicOffset * 1000;

/** What is called again and again, each with its callback. */
const repeated = new Map<NodeJS.Timeout, { readonly call: () => void; readonly everyMs: number }>();
const begin = globalThis.setInterval;
const end = globalThis.clearInterval;

globalThis.setInterval = ((callback: (...rest: unknown[]) => void, everyMs = 1, ...rest: unknown[]) => {
  const timer = begin(callback, everyMs, ...rest);
  repeated.set(timer, { call: () => callback(...rest), everyMs });
  return timer;
}) as typeof setInterval;
globalThis.clearInterval = ((timer: NodeJS.Timeout) => {
  repeated.delete(timer);
  end(timer);
}) as typeof clearInterval;

/**
 * Time passes only by {@link advanceClock}, however slow the machine is. Timers go on. It stands at a whole millisecond: sums of
 * fractions are rounded, and a moment would not be the same when it is reached in two steps.
 */
export function holdClock(): void {
  held = { wall: wall(), monotonic: Math.ceil(monotonic()) };
}

/** Time passes. What is due in an interval that is over is called once, as after a suspension. */
export function advanceClock(seconds: number): void {
  wallOffset += seconds;
  monotonicOffset += seconds;
  for (const [timer, { call, everyMs }] of repeated)
    if (everyMs <= seconds * 1000) setImmediate(() => void (repeated.has(timer) && call()));
}

/** Somebody sets the wall clock; no time passes. */
export function jumpClock(seconds: number): void {
  wallOffset += seconds;
}

/** The wall clock shows this time, in seconds since 1970; no time passes. */
export function setClock(seconds: number): void {
  jumpClock(seconds - Date.now() / 1000);
}

afterEach(() => {
  wallOffset = 0;
  monotonicOffset = 0;
  held = undefined;
});
