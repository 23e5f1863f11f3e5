/** Calls other APIs in the name of this application, without a caller. RFC 6749 section 4.4. */
import { Inject, Injectable } from '@nestjs/common';
import { AccessTokenSource } from './access-token-source.js';
import type { TokenTarget } from './token-target.js';

/** The other API, and the issuer to request the token from. */
export interface ClientTokenTarget extends TokenTarget {
  /** The issuer to call: its name, or the issuer itself. Required if several are configured. */
  readonly issuer?: string | undefined;
}

/**
 * Requests access tokens for other APIs in the name of this application (RFC 6749 section 4.4): for jobs, start-up and queues, where
 * there is no caller. It uses the same client credentials as {@link OnBehalfOf}, and caches tokens by issuer and target. Injectable.
 *
 * In a request, use {@link OnBehalfOf}: these tokens are not limited to the permissions of the caller.
 *
 * @example
 * ```ts
 * const fetch = this.clientCredentials.fetch({ audience: 'https://api.example.com/products' });
 * ```
 */
@Injectable()
export class ClientCredentials {
  constructor(@Inject(AccessTokenSource) private readonly source: AccessTokenSource) {}

  /**
   * Returns an access token for another API, in the name of this application.
   *
   * @throws {ProviderError} 500: the authorization server responded with an OAuth error; 503 for `temporarily_unavailable`
   * @throws {ProviderUnavailableError} 503: the authorization server is unavailable, or its response cannot be used
   * @throws {ConfigurationError} 500: no `clientId`, no token endpoint, an unknown issuer, or an invalid target
   */
  accessTokenFor({ issuer, ...target }: ClientTokenTarget = {}): Promise<string> {
    return this.source.ofClient(issuer, target);
  }

  /** Returns a `fetch` that sends a token for the target with each request. See {@link OnBehalfOf.fetch}. */
  fetch(target: ClientTokenTarget = {}): typeof fetch {
    return this.source.fetch(() => this.accessTokenFor(target), target);
  }
}
