/** Calls other APIs on behalf of the caller. RFC 8693, RFC 7523. */
import { Inject, Injectable } from '@nestjs/common';
import { AccessTokenSource, type TokenCaller } from './access-token-source.js';
import type { TokenTarget } from './token-target.js';

/**
 * Exchanges the caller's token for one that is meant for another API, with the client credentials of this API (`clientId`,
 * `clientSecret`, `clientAuthMethod`), at the token endpoint of the caller's issuer. The caller's own token is never sent to
 * another API.
 *
 * A token is remembered by the caller's token and the target until shortly before it expires, and not at all where the
 * authorization server does not say how long it is valid. Concurrent calls share one request.
 *
 * Does not check what the other API accepts, nor where the application sends the token.
 *
 * @example
 * ```ts
 * @Controller('invoices')
 * export class InvoicesController {
 *   constructor(private readonly onBehalfOf: OnBehalfOf) {}
 *
 *   @Get()
 *   async list(@Req() request: Request) {
 *     const fetch = this.onBehalfOf.fetch(request, { audience: 'https://api.example.com/products', scope: 'read:products' });
 *     return (await fetch('https://products.example.com/products')).json();
 *   }
 * }
 * ```
 */
@Injectable()
export class OnBehalfOf {
  constructor(@Inject(AccessTokenSource) private readonly source: AccessTokenSource) {}

  /**
   * An access token for another API, on behalf of the caller.
   *
   * @param caller the request that the guard has admitted (Express's or Fastify's; in GraphQL `context.req`; in a gateway the
   *   client; in a message handler the `@Ctx()`), an `ExecutionContext`, or an access token. A token is validated first:
   *   signature, issuer, audience and times, but not scopes, groups or its binding to a certificate or key
   * @param target which API, and which scopes there. With the grant `jwt-bearer`: `scope`, and no `audience` or `resource`
   * @throws {MissingTokenError} 401: the request has no validated caller
   * @throws {TokenError} 401: the caller's token is not good, or expired meanwhile
   * @throws {ProviderError} 403: the authorization server refuses; if the user has to sign in again, with a challenge
   *   `insufficient_user_authentication`. 500 for `invalid_client`, `unauthorized_client` and `unsupported_grant_type`. 503 for
   *   `temporarily_unavailable`
   * @throws {ProviderUnavailableError} 503: the authorization server cannot be asked, or its answer cannot be used
   * @throws {ConfigurationError} 500: no `clientId`, no token endpoint, or a target that cannot be requested
   */
  accessTokenFor(caller: TokenCaller, target: TokenTarget = {}): Promise<string> {
    return this.source.onBehalfOf(caller, target);
  }

  /**
   * `fetch` that sends a token for the target with each request: as Bearer, or with `dpop: true` with a proof. Nonces of the
   * other API are dealt with, except where the body is a stream.
   *
   * An `Authorization` header of the request is replaced. The function rejects with what {@link OnBehalfOf.accessTokenFor}
   * rejects with. Keep it for one caller only: it sends this caller's authority.
   */
  fetch(caller: TokenCaller, target: TokenTarget = {}): typeof fetch {
    return this.source.fetch(() => this.accessTokenFor(caller, target), target);
  }
}
