/**
 * Detects that the wall clock was set back. A replay store expires used proofs by a clock that only runs forward; after the
 * wall clock was set back, expired proofs would be fresh again. RFC 9449 section 11.1.
 *
 * The times of this instance are sufficient: proofs of other instances expire at the same age.
 */
export class ClockGuard {
  #last: { readonly wall: number; readonly ran: number } | undefined;
  /** Proofs that were made up to this time may have been used and expired. */
  #spentUntil = -Infinity;

  /** @param after how long after its creation a proof is accepted, in seconds */
  constructor(private readonly after: number) {}

  /** Returns whether a proof that was made at `madeAt` may have been used before. Both times in seconds. */
  isSpent(madeAt: number, now: number): boolean {
    this.#notice(now);
    return madeAt <= this.#spentUntil;
  }

  /** Records that a proof was accepted whose `iat` agrees with the clock. Before the first one, the clock may be corrected. */
  confirm(now: number): void {
    this.#last = { wall: now, ran: performance.now() / 1000 };
  }

  #notice(now: number): void {
    if (!this.#last) return;
    const ran = performance.now() / 1000;
    const expected = this.#last.wall + ran - this.#last.ran;
    if (now >= expected) return;
    this.#spentUntil = Math.max(this.#spentUntil, expected - this.after - 1);
    this.#last = { wall: now, ran };
  }
}
