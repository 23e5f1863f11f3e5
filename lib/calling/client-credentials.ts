/** Calls other APIs in the name of this application, without a caller. RFC 6749 section 4.4. */
import { Inject, Injectable } from '@nestjs/common';
import { AccessTokenSource } from './access-token-source.js';
import type { TokenTarget } from './token-target.js';

export interface ClientTokenTarget extends TokenTarget {
  /** The issuer to ask: its name, or the issuer itself. Required where several are configured. */
  readonly issuer?: string | undefined;
}

/**
 * Gets access tokens for other APIs in the name of this application: for jobs, start-up and queues, where there is no caller.
 * Uses the same client credentials as {@link OnBehalfOf}, and remembers tokens likewise, by issuer and target.
 *
 * In a request, use {@link OnBehalfOf}: what the caller may do does not limit a token of this kind.
 */
@Injectable()
export class ClientCredentials {
  constructor(@Inject(AccessTokenSource) private readonly source: AccessTokenSource) {}

  /**
   * An access token for another API, in the name of this application.
   *
   * @throws {ProviderError} 500: the authorization server answered with an OAuth error; 503 for `temporarily_unavailable`
   * @throws {ProviderUnavailableError} 503: the authorization server cannot be asked, or its answer cannot be used
   * @throws {ConfigurationError} 500: no `clientId`, no token endpoint, an unknown issuer, or a target that cannot be
   *   requested
   */
  accessTokenFor({ issuer, ...target }: ClientTokenTarget = {}): Promise<string> {
    return this.source.ofClient(issuer, target);
  }

  /** `fetch` that sends a token for the target with each request. See {@link OnBehalfOf.fetch}. */
  fetch(target: ClientTokenTarget = {}): typeof fetch {
    return this.source.fetch(() => this.accessTokenFor(target), target);
  }
}
