/** Issues nonces that prove when a DPoP proof was made. They are computed from a secret, not stored. RFC 9449 section 9. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** The interval after which a new nonce is issued, in seconds. */
const LIFETIME = 60;

/** How long after and before its time a nonce is accepted, in seconds: also the previous one, and that of a clock ahead. */
export const NONCE_REACH = { after: 2 * LIFETIME, before: LIFETIME } as const;

export class NonceIssuer {
  constructor(private readonly secret: string) {}

  /** Returns the current nonce. Instances with the same secret accept it if their clocks differ by less than a minute. */
  current(now: number): string {
    return this.#at(slotOf(now));
  }

  /** Returns when the nonce was issued, in seconds; `undefined` if this server did not issue it, or not recently. */
  timeOf(nonce: string, now: number): number | undefined {
    const current = slotOf(now);
    const slot = [current, current - 1, current + 1].find((each) => isSame(this.#at(each), nonce));
    return slot === undefined ? undefined : slot * LIFETIME;
  }

  #at(slot: number): string {
    return createHmac('sha256', this.secret).update(`dpop nonce ${slot}`).digest('base64url').slice(0, 32);
  }
}

function slotOf(now: number): number {
  return Math.floor(now / LIFETIME);
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
