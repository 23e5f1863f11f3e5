/** The clocks of this process, set by hand: an application in the same process lives by them. Timers are not touched. */

const wall = Date.now.bind(Date);
const monotonic = performance.now.bind(performance);
let wallOffset = 0;
let monotonicOffset = 0;

/** From here on; the figures of the campaign itself use {@link realTime}. */
export function takeClocks() {
  Date.now = () => wall() + wallOffset;
  performance.now = () => monotonic() + monotonicOffset;
}

export function giveClocksBack() {
  Date.now = wall;
  performance.now = monotonic;
  wallOffset = monotonicOffset = 0;
}

/** Milliseconds that nobody sets. */
export const realTime = monotonic;

/** Time passes: so many seconds. */
export function advance(seconds) {
  wallOffset += seconds * 1000;
  monotonicOffset += seconds * 1000;
}

/** Time passes for caches, and tokens do not get older. */
export function ageCaches(seconds) {
  monotonicOffset += seconds * 1000;
}

/** Somebody sets the wall clock, forwards or backwards; no time passes. */
export function jumpWall(seconds) {
  wallOffset += seconds * 1000;
}
