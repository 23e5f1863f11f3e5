/** The clock, set by hand: both the wall's and the one that only runs forward. */
import { afterEach } from '@jest/globals';

const wall = Date.now.bind(Date);
const monotonic = performance.now.bind(performance);
let wallOffset = 0;
let monotonicOffset = 0;
let held: { readonly wall: number; readonly monotonic: number } | undefined;

Date.now = () => (held?.wall ?? wall()) + wallOffset * 1000;
performance.now = () => (held?.monotonic ?? monotonic()) + monotonicOffset * 1000;

/** Time passes only by {@link advanceClock}, however slow the machine is. Timers go on. */
export function holdClock(): void {
  held = { wall: wall(), monotonic: monotonic() };
}

/** Time passes. */
export function advanceClock(seconds: number): void {
  wallOffset += seconds;
  monotonicOffset += seconds;
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
