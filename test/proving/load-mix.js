/** The requests of one moment: good and bad tokens of each kind, some of them seen before. */
import { randomUUID } from 'node:crypto';
import { encode, goodClaims, goodToken, makeKey, seconds } from './mint.js';

/** Generating keys takes longer than asking for them; a stranger's are as good as new. */
const STRANGER = makeKey();
const MOST_REMEMBERED = 8;

export class LoadMix {
  /** Good tokens that were accepted before, to be sent again: `{ kind, token, key?, exp, iat, … }`. */
  remembered = [];

  constructor(provider) {
    this.provider = provider;
  }

  /** @param {readonly object[]} keys whose tokens are asked with: those published and those withdrawn */
  next(keys, flood = 0) {
    const fresh = [...keys.flatMap((key) => [this.#signed(key), this.#signed(key)]), this.#opaque()];
    // A newcomer's key is asked for by many at once.
    const newest = Array.from({ length: 4 }, () => this.#signed(keys.at(-1)));
    const unknown = Array.from({ length: 1 + flood }, () =>
      this.#bad('unknown kid', STRANGER, {}, { kid: randomUUID() }),
    );
    return [...fresh, ...newest, ...this.#hopeless(keys[0]), ...unknown, ...this.remembered];
  }

  remember(request) {
    if (request.kind !== 'signed' && request.kind !== 'opaque') return;
    if (!this.remembered.includes(request))
      this.remembered = [...this.remembered, request].slice(-MOST_REMEMBERED);
  }

  revoke() {
    for (const request of this.remembered.filter(({ kind }) => kind === 'opaque')) {
      request.kind = 'revoked';
      this.provider.introspected.delete(request.token);
    }
  }

  /**
   * Some of those who were let in before sign out.
   *
   * @returns {readonly string[]} their `sub`
   */
  signOut() {
    const leaving = this.remembered.filter(
      ({ kind, sub }, i) => sub !== undefined && kind !== 'revoked' && i % 2 === 0,
    );
    // A token from before the clock was set back is of a time to come: it is issued after the sign-out.
    for (const request of leaving) request.signedOut ||= request.iat <= seconds();
    return leaving.map(({ sub }) => sub);
  }

  #signed(key) {
    const [iat, sub] = [seconds(), randomUUID()];
    const token = goodToken(this.provider.issuer, key, { sub, iat, exp: iat + 3600 });
    return { kind: 'signed', token, key, sub, iat, exp: iat + 3600 };
  }

  /** An inactive one says all that a good one says, but for that (RFC 7662 section 2.2 would have it say less). */
  #opaque(active = true) {
    const token = randomUUID();
    const claims = goodClaims(this.provider.issuer);
    this.provider.introspected.set(token, { active, ...claims });
    if (!active) return { kind: 'inactive', token };
    return { kind: 'opaque', token, sub: claims.sub, iat: claims.iat, exp: claims.exp };
  }

  #bad(kind, key, claims = {}, header = {}) {
    return { kind, token: goodToken(this.provider.issuer, key, claims, header) };
  }

  #hopeless(key) {
    const payload = encode(JSON.stringify(goodClaims(this.provider.issuer)));
    return [
      { kind: 'outright', token: `${encode('{"alg":"none"}')}.${payload}.` },
      { kind: 'outright', token: 'not!a!token' },
      this.#bad('outright', key, { exp: seconds() - 4000 }),
      this.#bad('outright', key, { aud: 'https://other.example' }),
      this.#bad('forged', { ...STRANGER, kid: key.kid }, {}, { kid: key.kid, alg: key.alg }),
      this.#bad('other issuer', key, { iss: 'https://elsewhere.example' }),
      this.#opaque(false),
    ];
  }
}
