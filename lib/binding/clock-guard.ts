/**
 * Notices that the wall clock was set back. A replay store forgets used proofs by a clock that only runs forward; those
 * that it has forgotten would be fresh again by the wall clock. RFC 9449 section 11.1.
 *
 * The times are those of this instance: what other instances forgot is as old as what this one did.
 */
export class ClockGuard {
  #last: { readonly wall: number; readonly ran: number } | undefined;
  /** Proofs that were made until then may have been used and forgotten. */
  #spentUntil = -Infinity;

  /** @param after so long after it was made a proof is accepted, in seconds */
  constructor(private readonly after: number) {}

  /** Whether a proof that was made at this time may have been used before; both times in seconds. */
  isSpent(madeAt: number, now: number): boolean {
    this.#notice(now);
    return madeAt <= this.#spentUntil;
  }

  /** A proof of a client whose clock agrees was accepted. Until then a clock may be wrong, and corrected. */
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
