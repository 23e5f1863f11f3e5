/** Provides tokens for other APIs to one module. Loaded when the first token is needed. */
import type { ResolvedOptions } from '../options/auth-options.js';
import { DPoPKey } from './dpop-key.js';
import { fetchWithToken } from './authorized-fetch.js';
import { RememberedAccessTokens, type Subject } from './remembered-access-tokens.js';
import { TokenEndpoint, type TokenIssuer } from './token-endpoint.js';
import {
  checkTarget,
  clientCredentialsRequest,
  exchangeRequest,
  keyOf,
  type GrantRequest,
  type TokenTarget,
} from './token-target.js';

type FetchArguments = Parameters<typeof fetch>;

export class AccessTokens {
  readonly #remembered = new RememberedAccessTokens();
  /** One for each issuer, so that an outage of one does not affect the others. */
  readonly #endpoints = new WeakMap<TokenIssuer, TokenEndpoint>();
  /** Identifies the issuer in cache keys instead of its name: an issuer that was forgotten, or has other settings, is another one. */
  readonly #numbers = new WeakMap<TokenIssuer, number>();
  #lastNumber = 0;
  readonly #key: DPoPKey;

  constructor(private readonly options: Pick<ResolvedOptions, 'clockSkew' | 'tokenExchange'>) {
    this.#key = new DPoPKey(options);
  }

  /** Returns a token for another API on behalf of a caller whose token this issuer issued. */
  ofCaller(issuer: TokenIssuer, subject: Subject, target: TokenTarget): string | Promise<string> {
    checkTarget(target);
    const { token } = subject;
    const request = exchangeRequest(token, target, this.options.tokenExchange);
    const key = ['caller', this.#numberOf(issuer), token, ...keyOf(target)];
    return this.#remembered.get(key, subject, () => this.#request(issuer, request, target, token));
  }

  /** Returns a token for another API in the name of this application. */
  ofClient(issuer: TokenIssuer, target: TokenTarget): string | Promise<string> {
    checkTarget(target);
    const request = clientCredentialsRequest(target);
    const key = ['client', this.#numberOf(issuer), ...keyOf(target)];
    return this.#remembered.get(key, undefined, () => this.#request(issuer, request, target));
  }

  /** Sends a request with a token that was requested for this target. */
  fetch(token: string, { dpop = false }: TokenTarget, [input, init]: FetchArguments): Promise<Response> {
    return fetchWithToken(token, dpop ? this.#key : undefined, input, init);
  }

  /** Removes the tokens that were exchanged for the tokens that a selector matches. */
  forget(picks: Parameters<RememberedAccessTokens['forget']>[0]): number {
    return this.#remembered.forget(picks);
  }

  #numberOf(issuer: TokenIssuer): number {
    let number = this.#numbers.get(issuer);
    if (number === undefined) this.#numbers.set(issuer, (number = ++this.#lastNumber));
    return number;
  }

  async #request(
    issuer: TokenIssuer,
    request: GrantRequest,
    target: TokenTarget,
    subject?: string,
  ): ReturnType<TokenEndpoint['request']> {
    let endpoint = this.#endpoints.get(issuer);
    if (!endpoint) this.#endpoints.set(issuer, (endpoint = new TokenEndpoint(issuer)));
    const dpop = target.dpop === true ? await this.#key.handle : undefined;
    return endpoint.request(request, { key: subject ?? JSON.stringify(keyOf(target)), subject, dpop });
  }
}
