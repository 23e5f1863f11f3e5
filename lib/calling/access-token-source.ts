/** Finds out whose token is exchanged, and at which issuer. What requests the tokens is loaded with the first one. */
import { ConfigurationError, MissingTokenError } from '../errors/auth.errors.js';
import type { TokenPicker } from '../introspection/forget-selector.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { principalBehind } from '../principal/authenticated-request.js';
import { checkTimes } from '../token/check-claims.js';
import type { ValidatedToken } from '../token/validated-token.js';
import type { AccessTokens } from './access-tokens.js';
import type { Subject } from './remembered-access-tokens.js';
import type { TokenIssuer } from './token-endpoint.js';
import type { TokenTarget } from './token-target.js';

/** A token that this module validates, or what the guard has admitted with one. */
export type TokenCaller = object | string;

/** What {@link AccessTokenSource} needs of the rest of the module. */
export interface TrustedTokens {
  /** @throws {TokenError} if the token is not good */
  validate(token: string): ValidatedToken | Promise<ValidatedToken>;
  /** @param issuer name or issuer; `undefined` where there is only one */
  issuerFor(issuer: string | undefined): TokenIssuer;
}

export class AccessTokenSource {
  #loading: Promise<AccessTokens> | undefined;
  #loaded: AccessTokens | undefined;

  constructor(
    private readonly trusted: TrustedTokens,
    private readonly options: ResolvedOptions,
  ) {}

  async onBehalfOf(caller: TokenCaller, target: TokenTarget): Promise<string> {
    const subject = await this.#subjectOf(caller);
    const tokens = this.#loaded ?? (await this.#load());
    return tokens.ofCaller(this.trusted.issuerFor(undefined), subject, target);
  }

  async ofClient(issuer: string | undefined, target: TokenTarget): Promise<string> {
    const tokens = this.#loaded ?? (await this.#load());
    return tokens.ofClient(this.trusted.issuerFor(issuer), target);
  }

  /** @param token requests the token, for each request anew */
  fetch(token: () => Promise<string>, target: TokenTarget): typeof fetch {
    return async (...request) => {
      const accessToken = await token();
      return (this.#loaded ?? (await this.#load())).fetch(accessToken, target, request);
    };
  }

  /** Forgets what was exchanged for the tokens that a selector picks. */
  forget(picks: TokenPicker): number {
    return this.#loaded?.forget(picks) ?? 0;
  }

  async #subjectOf(caller: TokenCaller): Promise<Subject> {
    if (typeof caller === 'string') return this.trusted.validate(caller);
    if (typeof caller !== 'object' || caller === null)
      throw new ConfigurationError('on behalf of: neither a request nor a token was given');
    const principal = principalBehind(caller);
    if (!principal) throw new MissingTokenError({ detail: 'on behalf of: the request has no validated caller' });
    // The guard has checked everything else; a request may have gone on for long since.
    checkTimes(principal.claims, this.options);
    return principal;
  }

  async #load(): Promise<AccessTokens> {
    this.#loading ??= import('./access-tokens.js').then(({ AccessTokens }) => new AccessTokens(this.options));
    return (this.#loaded = await this.#loading);
  }
}
