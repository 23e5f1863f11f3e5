/**
 * What may each request get, given what the provider did? The contract, and nothing of how the package is built:
 *
 * - with keys in memory, fresh or stale, a known key's good token gets 200 whatever the provider does;
 * - a bad token never gets 200; it gets 401 where that can be known, else 503 (500 where asking again would not help);
 * - a withdrawn key's tokens end with the next successful refresh, a new key's first tokens pass when the provider is up;
 * - what was not looked up is not unknown: a new key's token gets 503 in a flood of invented names, never 401;
 * - a provider that is back is found within two seconds;
 * - an introspection answer counts for as long as it is fresh; after that, not to know is 503;
 * - who has signed out is not let in again, from the moment when `revoke()` is through, whatever the provider, the store and
 *   the clocks do.
 */
import { NOT_WORTH_RETRYING, WITHDRAWING } from './provider-faults.js';
import { FRESH } from './schedule-recipes.js';

/** Documents that cannot be refreshed are used a day longer; schedules keep away from the edge. */
const STALE = 86_400;
const TOLERANCE = 300;
/** A provider that is back is found after this time by requests that need it; one that asked for seven, after these. */
const MAX_PAUSE_SECONDS = 2;
const MAX_ASKED_PAUSE_SECONDS = 8;
/** So many names are looked up in any case; then a flood may be told that they are not. */
const LOOK_UPS = 300;
const LOOK_UPS_PER_SECOND = 0.4;

const monotonic = () => performance.now() / 1000;
const wall = () => Date.now() / 1000;

export class Model {
  #faultyAt = -Infinity;
  #introspectionFaultyAt = -Infinity;
  #troubles = new Set();
  #lookUps = LOOK_UPS;
  #countedAt = monotonic();

  /** @param {boolean} isImpatient the application may give up before it has looked up a key */
  constructor(provider, isImpatient) {
    this.provider = provider;
    this.isImpatient = isImpatient;
  }

  /** How things stand before these requests are sent. */
  observe(requests) {
    const now = monotonic();
    this.#lookUps = Math.min(LOOK_UPS, this.#lookUps + (now - this.#countedAt) * LOOK_UPS_PER_SECOND);
    this.#countedAt = now;
    const { faults, served, servedAt } = this.provider;
    const pause = this.#troubles.has('status 429') ? MAX_ASKED_PAUSE_SECONDS : MAX_PAUSE_SECONDS;
    const inPause = now - this.#faultyAt < pause;
    if (!inPause) this.#troubles.clear();
    Object.values(faults).forEach((fault) => this.#troubles.add(fault));
    const last = served.at(-1);
    const age = last ? now - last.at : Infinity;
    const held = age < FRESH + STALE ? last : undefined;
    const isWell = Object.keys(faults).length === 0 && !inPause;
    return {
      now,
      servedBefore: served.length,
      held,
      isFresh: age < FRESH,
      // After an outage, what was held all along may serve until the first fetch is through.
      mayServeOld: age < FRESH || (last !== undefined && this.#faultyAt > last.at),
      isWell,
      // Who has the discovery document can fetch keys without asking for it again.
      keysFail:
        (faults.jwks !== undefined && !(last && WITHDRAWING.has(faults.jwks))) ||
        (faults.discovery !== undefined && now - servedAt.discovery >= FRESH + STALE),
      // An endpoint that failed is tried by one request at first.
      introspectionIsWell: isWell && servedAt.introspection > this.#introspectionFaultyAt,
      introspectionFails: faults.introspection !== undefined,
      mayBeThrottled: this.isImpatient || this.#lookUps < requests.filter(this.#isStrange).length,
      unknowable: [...this.#troubles].some((fault) => NOT_WORTH_RETRYING.has(fault)) ? [503, 500] : [503],
    };
  }

  /** After the answers came: what was asked for, and for how long a failure may still count. */
  account(requests) {
    const { faults } = this.provider;
    if (Object.keys(faults).length > 0) this.#faultyAt = monotonic();
    if (faults.introspection !== undefined) this.#introspectionFaultyAt = monotonic();
    this.#lookUps = Math.max(0, this.#lookUps - requests.filter(this.#isStrange).length);
  }

  #isStrange = ({ kind, key }) =>
    kind === 'unknown kid' || kind === 'forged' || (key && !this.provider.keys.includes(key));

  /** @returns {readonly number[]} the statuses that this request may get */
  allowed(request, before) {
    const statuses = this.#unlessSignedOut(request, before);
    return request.signedOut
      ? [...new Set(statuses.map((status) => (status === 200 ? 401 : status)))]
      : statuses;
  }

  #unlessSignedOut(request, before) {
    const { kind, exp, iat } = request;
    // Nothing is asked about the token of an issuer that is not configured.
    if (kind === 'outright' || kind === 'other issuer') return [401];
    const { unknowable, held, isWell, keysFail, mayBeThrottled } = before;
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
    // Invented or forged: to be known as soon as there are keys. The key it names may be withdrawn.
    if (isWell) return mayBeThrottled ? [401, 503] : [401];
    return held || !keysFail ? [401, ...unknowable] : unknowable;
  }

  #ofExpired(kind, { introspectionIsWell, unknowable }) {
    return kind === 'signed' || introspectionIsWell ? [401] : [401, ...unknowable];
  }

  #ofKey(key, { held, isFresh, mayServeOld, isWell, keysFail, mayBeThrottled, unknowable, servedBefore }) {
    const during = this.provider.served.slice(servedBefore).map(({ keys }) => keys);
    const versions = held ? [held.keys, ...during] : during;
    const isPublished = this.provider.keys.includes(key);
    const throttled = mayBeThrottled ? [503] : [];
    // What names no published key is tried against several, in turns: in a flood of such tokens that takes a while.
    const isNamed = key.jwk.kid !== undefined;
    if (held && versions.every((keys) => keys.includes(key))) return isNamed ? [200] : [200, ...throttled];
    if (isWell) {
      if (isPublished) return [200, ...throttled];
      // Withdrawn: used until the refresh that these requests begin is through.
      const isOld = held?.keys.includes(key) && (mayServeOld || !isFresh);
      return [...(isOld ? [200] : []), 401, ...throttled];
    }
    if (!held && keysFail && during.length === 0) return unknowable;
    const mayBeGood = isPublished || versions.some((keys) => keys.includes(key));
    // Where the provider said so meanwhile, the key is withdrawn; else it is not known.
    const mayBeBad = !isPublished || versions.some((keys) => keys.length === 0);
    return [...(mayBeGood ? [200] : []), ...(mayBeBad ? [401] : []), ...unknowable];
  }

  #ofOpaque({ since, acceptedAt }, { now, introspectionIsWell, introspectionFails, unknowable }) {
    if (since !== undefined && now - since < FRESH - 1) return [200];
    if (introspectionIsWell) return [200];
    const mayBeHeld = acceptedAt !== undefined && now - acceptedAt < FRESH + 1;
    // An answer of another issuer, or without `active`, is an answer: the token is not good.
    const asked = introspectionFails && unknowable.includes(500) ? [401, ...unknowable] : unknowable;
    return !introspectionFails || mayBeHeld ? [200, ...asked] : asked;
  }

  #ofInactive({ introspectionIsWell, introspectionFails, unknowable }) {
    if (introspectionIsWell) return [401];
    return introspectionFails && !unknowable.includes(500) ? unknowable : [401, ...unknowable];
  }

  #ofRevoked({ acceptedAt }, { now, introspectionIsWell, unknowable }) {
    const mayBeHeld = now - acceptedAt < FRESH + 1;
    return [...(mayBeHeld ? [200] : []), 401, ...(introspectionIsWell ? [] : unknowable)];
  }
}
