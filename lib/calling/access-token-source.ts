/** Determines whose token is exchanged, and at which issuer. The code that requests tokens is loaded with the first request. */
import { ConfigurationError, MissingTokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { TokenPicker } from '../introspection/forget-selector.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { principalBehind } from '../principal/authenticated-request.js';
import { checkTimes } from '../token/check-claims.js';
import type { TokenValidator } from '../validation/token-validator.js';
import type { AccessTokens } from './access-tokens.js';
import type { Subject } from './remembered-access-tokens.js';
import type { TokenIssuer } from './token-endpoint.js';
import type { TokenTarget } from './token-target.js';

/** An access token, which is validated first, or a request that the guard has accepted with one. */
export type TokenCaller = object | string;

export class AccessTokenSource {
  #loading: Promise<AccessTokens> | undefined;
  #loaded: AccessTokens | undefined;

  constructor(
    private readonly tokens: TokenValidator,
    private readonly options: ResolvedOptions,
  ) {}

  async onBehalfOf(caller: TokenCaller, target: TokenTarget): Promise<string> {
    const subject = await this.#findSubject(caller);
    const issuer = await this.tokens.issuers.find(subject.claims.iss);
    // The guard has checked everything else. The request may have taken long since then.
    checkTimes(subject.claims, issuer.options);
    this.tokens.revocations.check(subject.claims);
    const tokens = this.#loaded ?? (await this.#load());
    return tokens.ofCaller(issuer, subject, target);
  }

  async ofClient(issuer: string | undefined, target: TokenTarget): Promise<string> {
    const tokens = this.#loaded ?? (await this.#load());
    return tokens.ofClient(await this.#issuerNamed(issuer), target);
  }

  /** @param token requests the token, again for each request */
  fetch(token: () => Promise<string>, target: TokenTarget): typeof fetch {
    return async (...request) => {
      const accessToken = await token();
      return (this.#loaded ?? (await this.#load())).fetch(accessToken, target, request);
    };
  }

  /** Removes the tokens that were exchanged for the tokens that a selector matches. */
  forget(picks: TokenPicker): number {
    return this.#loaded?.forget(picks) ?? 0;
  }

  #findSubject(caller: TokenCaller): Subject | Promise<Subject> {
    if (typeof caller === 'string') return this.tokens.validate(caller);
    if (typeof caller !== 'object' || caller === null)
      throw new ConfigurationError('OnBehalfOf: neither a request nor a token was passed');
    const principal = principalBehind(caller);
    if (!principal)
      throw new MissingTokenError({ detail: 'OnBehalfOf: the request has no validated caller' });
    return principal;
  }

  async #issuerNamed(name: string | undefined): Promise<TokenIssuer> {
    const { issuers } = this.tokens;
    const issuer = name === undefined ? issuers.only : await issuers.named(name);
    if (issuer) return issuer;
    throw new ConfigurationError(
      name === undefined
        ? 'ClientCredentials: issuer is required, because several are configured'
        : `ClientCredentials: no issuer ${quoteForeign(name)} is configured`,
    );
  }

  async #load(): Promise<AccessTokens> {
    this.#loading ??= import('./access-tokens.js').then(({ AccessTokens }) => new AccessTokens(this.options));
    return (this.#loaded = await this.#loading);
  }
}
