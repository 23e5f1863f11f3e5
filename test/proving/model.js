/**
 * What may each request get, given what the provider did? The contract, and nothing of how the package is built:
 *
 * - with keys at hand, fresh or stale, a known key's good token gets 200 whatever the provider does;
 * - a bad token never gets 200; it gets 401 where that can be known, else 503 (500 where asking again would not help);
 * - a withdrawn key's tokens end with the next successful refresh, a new key's first tokens pass when the provider is up;
 * - an introspection answer counts for as long as it is fresh; after that, not to know is 503.
 */
import { NOT_WORTH_RETRYING } from './provider-faults.js';
import { FRESH } from './schedule-recipes.js';

/** Keys that cannot be refreshed are used a day longer; schedules keep away from the edge. */
const STALE = 86_400;
const TOLERANCE = 300;
/** After a failure the provider is left alone for 30 s at the most. */
const MAX_PAUSE_SECONDS = 31;
/** Fetches for unknown keys: so many at once, then one in so many seconds. */
const RENEWALS = 3;
const SECONDS_PER_RENEWAL = 12;

const monotonic = () => performance.now() / 1000;
const wall = () => Date.now() / 1000;

export class Model {
  #faultyAt = -Infinity;
  #troubles = new Set();
  #renewals = RENEWALS;
  #countedAt = monotonic();

  /** @param {boolean} isImpatient the application gives up before it may ask for another unknown key */
  constructor(provider, isImpatient) {
    this.provider = provider;
    this.isImpatient = isImpatient;
  }

  /** How things stand before some requests are sent. */
  observe() {
    const now = monotonic();
    this.#renewals = Math.min(RENEWALS, this.#renewals + (now - this.#countedAt) / SECONDS_PER_RENEWAL);
    this.#countedAt = now;
    const { faults, served } = this.provider;
    const inPause = now - this.#faultyAt < MAX_PAUSE_SECONDS;
    if (!inPause) this.#troubles.clear();
    Object.values(faults).forEach((fault) => this.#troubles.add(fault));
    const last = served.at(-1);
    const age = last ? now - last.at : Infinity;
    return {
      now,
      servedBefore: served.length,
      held: age < FRESH + STALE ? last : undefined,
      isFresh: age < FRESH,
      // After an outage, what was held all along may serve until the first fetch is through.
      mayServeOld: age < FRESH || (last !== undefined && this.#faultyAt > last.at),
      isWell: Object.keys(faults).length === 0 && !inPause,
      keysFail: faults.jwks !== undefined || (faults.discovery !== undefined && !last),
      introspectionFails: faults.introspection !== undefined,
      mayRenew: this.#renewals >= 1,
      unknowable: [...this.#troubles].some((fault) => NOT_WORTH_RETRYING.has(fault)) ? [503, 500] : [503],
    };
  }

  /** After the answers came: what was asked for, and for how long a failure may still count. */
  account(requests) {
    if (Object.keys(this.provider.faults).length > 0) this.#faultyAt = monotonic();
    const published = new Set(this.provider.keys);
    const strange = requests.filter(
      ({ kind, key }) => kind === 'unknown kid' || (key && !published.has(key)),
    );
    this.#renewals = Math.max(0, this.#renewals - strange.length - 1);
  }

  /** @returns {readonly number[]} the statuses that this request may get */
  allowed(request, before) {
    const { kind, exp, iat } = request;
    if (kind === 'outright') return [401];
    const { unknowable, held, isWell, keysFail } = before;
    if (exp !== undefined && wall() >= exp + TOLERANCE) return this.#ofExpired(kind, before);
    // A clock that was set back: accepted before, the token need not be refused now.
    const isAhead = iat !== undefined && wall() < iat - TOLERANCE;
    if (kind === 'signed') {
      const statuses = this.#ofKey(request.key, before);
      return isAhead ? [...new Set([...statuses, 401])] : statuses;
    }
    if (kind === 'opaque') return isAhead ? [200, 401, ...unknowable] : this.#ofOpaque(request, before);
    if (kind === 'inactive') return this.#ofInactive(before);
    if (kind === 'revoked') return this.#ofRevoked(request, before);
    if (kind === 'unknown kid')
      return isWell && !this.isImpatient ? [401] : held || !keysFail ? [401, ...unknowable] : unknowable;
    // Forged, or another issuer's: to be known as soon as there are keys. The key it names may be withdrawn.
    return held
      ? isWell
        ? [401]
        : [401, ...unknowable]
      : isWell
        ? [401]
        : keysFail
          ? unknowable
          : [401, ...unknowable];
  }

  #ofExpired(kind, { introspectionFails, isWell, unknowable }) {
    if (kind === 'signed' || isWell) return [401];
    return introspectionFails ? [401, ...unknowable] : [401, ...unknowable];
  }

  #ofKey(key, { held, isFresh, mayServeOld, isWell, keysFail, mayRenew, unknowable, servedBefore }) {
    const during = this.provider.served.slice(servedBefore).map(({ keys }) => keys);
    const versions = held ? [held.keys, ...during] : during;
    const isPublished = this.provider.keys.includes(key);
    if (held && versions.every((keys) => keys.includes(key))) {
      // Withdrawn, no longer fresh, and the provider was there to say so.
      if (isWell && !isFresh && !isPublished) return mayServeOld ? [200, 401] : [401];
      return [200];
    }
    if (isWell) {
      if (isPublished && this.isImpatient) return [200, 401, 503];
      if (isPublished) return !held || !isFresh || mayRenew ? [200] : [200, 401];
      return held?.keys.includes(key) && mayServeOld ? [200, 401] : this.isImpatient ? [401, 503] : [401];
    }
    if (!held && keysFail && during.length === 0) return unknowable;
    return isPublished || versions.some((keys) => keys.includes(key))
      ? [200, 401, ...unknowable]
      : [401, ...unknowable];
  }

  #ofOpaque({ since, acceptedAt }, { now, isWell, introspectionFails, unknowable }) {
    if (since !== undefined && now - since < FRESH - 1) return [200];
    if (isWell) return [200];
    const mayBeHeld = acceptedAt !== undefined && now - acceptedAt < FRESH + 1;
    if (!introspectionFails || mayBeHeld) return [200, ...unknowable];
    // An answer of another issuer, or without `active`, is an answer: the token is not good.
    return unknowable.includes(500) ? [401, ...unknowable] : unknowable;
  }

  #ofInactive({ isWell, introspectionFails, unknowable }) {
    if (isWell) return [401];
    return introspectionFails && !unknowable.includes(500) ? unknowable : [401, ...unknowable];
  }

  #ofRevoked({ acceptedAt }, { now, isWell, unknowable }) {
    const mayBeHeld = now - acceptedAt < FRESH + 1;
    return [...(mayBeHeld ? [200] : []), 401, ...(isWell ? [] : unknowable)];
  }
}
