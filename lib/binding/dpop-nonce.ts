/** Was this proof made lately, by a client that hears us? RFC 9449 section 9: nonces that nobody has to remember. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** A nonce is made anew so often, in seconds, and is good for that long and as long again. */
const LIFETIME = 60;

export class NonceIssuer {
  constructor(private readonly secret: string) {}

  /** Every instance with the same secret and a clock that is right within a minute makes the same. */
  current(): string {
    return this.#at(slotNow());
  }

  accepts(nonce: string): boolean {
    const slot = slotNow();
    return [slot, slot - 1, slot + 1].some((each) => isSame(this.#at(each), nonce));
  }

  #at(slot: number): string {
    return createHmac('sha256', this.secret).update(`dpop nonce ${slot}`).digest('base64url').slice(0, 32);
  }
}

function slotNow(): number {
  return Math.floor(Date.now() / 1000 / LIFETIME);
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
