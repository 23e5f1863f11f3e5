/** Calls other APIs on behalf of the caller. RFC 8693, RFC 7523. */
import { Inject, Injectable } from '@nestjs/common';
import { AccessTokenSource, type TokenCaller } from './access-token-source.js';
import type { TokenTarget } from './token-target.js';

/**
 * Exchanges the caller's token for a token of another API (RFC 8693), with the client credentials of this API (`clientId`,
 * `clientSecret`, `clientAuthMethod`), at the token endpoint of the caller's issuer. The caller's own token is never sent to another
 * API. Injectable.
 *
 * A token is cached by the caller's token and the target until shortly before it expires, and not at all if the response has no
 * `expires_in`. Concurrent calls share one request.
 *
 * Not checked: what the other API accepts, and where the application sends the token.
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
   * Returns an access token for another API, on behalf of the caller.
   *
   * @param caller a request that the guard has accepted (of Express or Fastify; in GraphQL `context.req`; in a gateway the client; in a
   *   message handler the `@Ctx()`), an `ExecutionContext`, or an access token. A token is validated first: signature, issuer, audience
   *   and times, but not scopes, groups and its binding to a certificate or key
   * @param target the other API, and the scopes there. With the grant `jwt-bearer`: `scope`, and no `audience` or `resource`
   * @throws {MissingTokenError} 401: the request has no validated caller
   * @throws {TokenError} 401: the caller's token is invalid, or has expired in the meantime
   * @throws {ProviderError} 403: the authorization server rejects the exchange; if the user has to sign in again, with a challenge
   *   `insufficient_user_authentication`. 500 for `invalid_client`, `unauthorized_client` and `unsupported_grant_type`. 503 for
   *   `temporarily_unavailable`
   * @throws {ProviderUnavailableError} 503: the authorization server is unavailable, or its response cannot be used
   * @throws {ConfigurationError} 500: no `clientId`, no token endpoint, or an invalid target
   *
   * @example
   * ```ts
   * const token = await this.onBehalfOf.accessTokenFor(request, { audience: 'https://api.example.com/products' });
   * ```
   */
  accessTokenFor(caller: TokenCaller, target: TokenTarget = {}): Promise<string> {
    return this.source.onBehalfOf(caller, target);
  }

  /**
   * Returns a `fetch` that sends a token for the target with each request: as Bearer, or with `dpop: true` with a proof. If the other
   * API requires a nonce, the request is repeated with it, unless its body is a stream.
   *
   * The function replaces an `Authorization` header of the request, and rejects with the errors of {@link OnBehalfOf.accessTokenFor}. It
   * sends the token to every URL that it is called with. Use it for this caller only.
   */
  fetch(caller: TokenCaller, target: TokenTarget = {}): typeof fetch {
    return this.source.fetch(() => this.accessTokenFor(caller, target), target);
  }
}
