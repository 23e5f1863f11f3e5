/** The issuers whose tokens are accepted, found by the `iss` of a token before anything is asked. */
import { invalidToken, type TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { withoutSlash } from './issuer-metadata.js';
import type { ProviderStatus, TrustedIssuer } from './trusted-issuer.js';

export class IssuerRegistry<Issuer extends TrustedIssuer = TrustedIssuer> {
  readonly #byIss = new Map<string, Issuer>();
  /** The one that every token is of, where no other is configured. */
  readonly only: Issuer | undefined;

  constructor(issuers: readonly Issuer[]) {
    for (const issuer of issuers) this.#byIss.set(withoutSlash(issuer.accessTokenIssuer), issuer);
    this.only = issuers.length === 1 ? issuers[0] : undefined;
  }

  /** Those that are known now. */
  get known(): readonly Issuer[] {
    return [...this.#byIss.values()];
  }

  /**
   * The issuer that is configured for an `iss`, which nobody has vouched for yet. It may differ by one trailing slash: the
   * issuer's metadata decides later how it is written. Without a promise where the answer is at hand.
   *
   * @throws {TokenError} `invalid_token` if no such issuer is configured: nothing was asked then
   */
  find(iss: unknown): Issuer | Promise<Issuer> {
    const found = typeof iss === 'string' ? this.#byIss.get(withoutSlash(iss)) : undefined;
    if (!found) throw this.#unknown(iss);
    return found;
  }

  /** The issuer of this name, or with this `issuer`, as it is configured; `undefined` if there is none. */
  named(name: string): Issuer | undefined {
    return this.known.find((each) => each.name === name);
  }

  /**
   * Has every issuer fetch what requests will need.
   *
   * @throws {ProviderUnavailableError} if one of them did not answer
   * @throws {ConfigurationError} if what one answered shows that this application is set up wrongly
   */
  async warmUp(): Promise<void> {
    await Promise.all(this.known.map((issuer) => issuer.warmUp()));
  }

  /** How things stand: `down` if no issuer can be asked. Asks those of which nothing is held. */
  async check(): Promise<ProviderStatus> {
    const statuses = await Promise.all(this.known.map((issuer) => issuer.check()));
    const [first] = statuses;
    const isAlike = statuses.every(({ state }) => state === first?.state);
    return first && isAlike ? first : { state: first ? 'degraded' : 'ready', age: undefined };
  }

  /** Closes all of them. */
  async close(): Promise<void> {
    await Promise.all(this.known.map((issuer) => issuer.close()));
  }

  #unknown(iss: unknown): TokenError {
    if (iss === undefined) return invalidToken('issuer', 'iss is missing');
    const expected = this.only ? `, expected ${quoteForeign(this.only.accessTokenIssuer)}` : '';
    return invalidToken(
      'issuer',
      () => `iss is ${quoteForeign(iss)}${expected}: no such issuer is configured`,
    );
  }
}
