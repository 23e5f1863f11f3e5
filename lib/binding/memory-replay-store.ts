/** Stores used DPoP proofs in the memory of one instance. RFC 9449 section 11.1. */
import type { ReplayStore, UsedProof } from './replay-store.js';

/** The maximum number of unexpired proofs. Beyond it, proofs are rejected (503): each stored one could be used again. */
const MAX_PROOFS = 200_000;
/** The maximum number of expired proofs. They are kept because the wall clock may be set back. */
const MAX_PAST_PROOFS = 20_000;
/** A key may have at most this many times as many proofs as there are free places: a single key four fifths of all places. */
const SHARE_OF_FREE = 4;

interface Entry {
  /** The expiry, by `performance.now()`. */
  readonly until: number;
  readonly key: string;
  readonly time: number | undefined;
}

/**
 * The default {@link ReplayStore}: in the memory of this process. Other instances do not share it, and a restart clears it.
 */
export class MemoryReplayStore implements ReplayStore {
  /** Oldest first. An entry that expires after its successors only delays their removal. */
  readonly #entries = new Map<string, Entry>();
  readonly #heldByKey = new Map<string, number>();
  /** The times of expired proofs, by identifier and time: a client may use a `jti` again for a later proof. */
  readonly #past = new Map<string, number>();
  /** The latest time of a proof that was removed from `#past`. */
  #forgottenUntil = -Infinity;

  /** @param maxProofs the maximum number of stored proofs. @default 200,000 */
  constructor(private readonly maxProofs = MAX_PROOFS) {}

  /** @throws {Error} if the key's share of the store, or the whole store, is in use */
  add(id: string, ttlSeconds: number, { key = '', time }: Partial<UsedProof> = {}): boolean {
    const now = performance.now();
    this.#expire(now);
    const entry = this.#entries.get(id);
    if (entry && now < entry.until) return false;
    if (entry) this.#retire(id, entry);
    if (time !== undefined && (time <= this.#forgottenUntil || this.#past.has(pastId(id, time))))
      return false;

    const free = this.maxProofs - this.#entries.size;
    const held = this.#heldByKey.get(key) ?? 0;
    if (free <= 0) throw new Error('the replay store is full');
    if (held >= SHARE_OF_FREE * free) throw new Error("the key's share of the replay store is full");
    this.#heldByKey.set(key, held + 1);
    this.#entries.set(id, { until: now + ttlSeconds * 1000, key, time });
    return true;
  }

  #expire(now: number): void {
    for (const [id, entry] of this.#entries) {
      if (now < entry.until) return;
      this.#retire(id, entry);
    }
  }

  #retire(id: string, { key, time }: Entry): void {
    this.#entries.delete(id);
    const held = (this.#heldByKey.get(key) ?? 1) - 1;
    if (held === 0) this.#heldByKey.delete(key);
    else this.#heldByKey.set(key, held);
    if (time === undefined) return;
    this.#past.set(pastId(id, time), time);
    if (this.#past.size > MAX_PAST_PROOFS) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const [oldest] = this.#past;
    if (!oldest) return;
    this.#past.delete(oldest[0]);
    this.#forgottenUntil = Math.max(this.#forgottenUntil, oldest[1]);
  }
}

const pastId = (id: string, time: number): string => `${id} ${time}`;
