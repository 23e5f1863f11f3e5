/** Replaces the token of a gateway connection with a new one of the same caller, before the token of the handshake expires. */
import { Inject, Injectable } from '@nestjs/common';
import { checkAccess } from '../../access/authorize.js';
import { checkRecipient } from '../../access/recipient.js';
import { invalidToken, type TokenError } from '../../errors/auth.errors.js';
import type { ResolvedOptions } from '../../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../../options/resolved-options.token.js';
import { attachPrincipal } from '../../principal/authenticated-request.js';
import type { AccessTokenClaims } from '../../token/access-token-claims.js';
import type { ValidatedToken } from '../../token/validated-token.js';
import { TokenValidator } from '../../validation/token-validator.js';
import { OpenStreams } from '../streams/open-streams.js';
import { connectionOf } from './connection.js';

/**
 * Renews the token of an open WebSocket connection. Injectable.
 *
 * A connection ends when its token expires or is revoked. {@link ConnectionAuthenticator.renew} replaces the token, so that the
 * client can continue without reconnecting.
 */
@Injectable()
export class ConnectionAuthenticator {
  constructor(
    @Inject(TokenValidator) private readonly tokens: TokenValidator,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
  ) {}

  /**
   * Replaces the token of a connection: from then on, messages are checked with the scopes of the new token, and the connection
   * ends when the new token ends. Call it from a message handler that receives the token from the client.
   *
   * The token is validated as in a handshake. It must have the same `iss`, `sub` and `client_id` (both absent counts as equal) and
   * the same binding as the first token, and must satisfy the decorators of the gateway's class. If the token is rejected, the
   * connection stays open with its current token.
   *
   * The requirements of single handlers are not checked here, but for each message. A connection that was opened without a token
   * cannot be renewed.
   *
   * @param client the `@ConnectedSocket()` of the handler: a client of socket.io or of `ws`
   * @param token the token, without a scheme
   * @returns the claims of the new token
   * @throws {TokenError} if the token is not a string, is invalid, belongs to another caller, has another binding, or does not
   *   satisfy the requirements; also if the connection has ended
   * @throws {ProviderUnavailableError} if the token cannot be validated now
   * @throws {TypeError} if `client` is not a client of a guarded gateway
   *
   * @example
   * ```ts
   * @SubscribeMessage('renew')
   * async renew(@ConnectedSocket() client: Socket, @MessageBody('token') token: string) {
   *   const { exp } = await this.connections.renew(client, token);
   *   return { exp };
   * }
   * ```
   */
  async renew(client: object, token: string): Promise<AccessTokenClaims> {
    const connection = connectionOf(client);
    if (!connection)
      throw new TypeError('renew(): the argument is not a client of a gateway that AuthGuard protects');
    if (typeof token !== 'string' || token === '')
      throw invalidToken('malformed', 'renew(): the token is not a string');
    const { policy } = connection.place;
    const validated = await this.tokens.validate(token, policy.introspectMaxAge, connection.request);
    const issuerOptions = this.tokens.optionsOf(validated);
    const unaccepted = checkRecipient(validated, policy, issuerOptions.audience);
    if (unaccepted) throw unaccepted;
    this.tokens.revocations.check(validated.claims);
    const denial = await checkAccess(validated, policy, issuerOptions);
    // The connection and its token may have changed while the new token was validated.
    const current = connection.token;
    if (!connection.isOpen || connection.hasEnded || !current) throw isOver();
    refuseAnother(current, validated);
    if (denial) throw denial;

    connection.renew(validated, issuerOptions.clockTolerance, this.streams);
    const { loadUser, userProperty } = this.options;
    attachPrincipal(client, validated, loadUser ? false : userProperty);
    return validated.claims;
  }
}

const isOver = (): TokenError =>
  invalidToken('claims', 'renew(): the connection has ended, or was opened without a token');

/** Throws unless caller and binding are the same: the owner of a connection and the key proven in its handshake never change. */
function refuseAnother(current: ValidatedToken, next: ValidatedToken): void {
  const [a, b] = [current.claims, next.claims];
  const isNamed = a.sub !== undefined || a.client_id !== undefined;
  const isSame = a.sub === b.sub && a.client_id === b.client_id && issuerOf(current) === issuerOf(next);
  if (!isNamed || !isSame) throw invalidToken('claims', 'renew(): the token belongs to another caller');
  if (a.cnf?.jkt !== b.cnf?.jkt || a.cnf?.['x5t#S256'] !== b.cnf?.['x5t#S256'])
    throw invalidToken('binding', 'renew(): the token has another binding');
}

/** Returns the issuer of the token: an introspection response may have no `iss`. */
function issuerOf({ claims, issuer }: ValidatedToken): unknown {
  return (claims as { readonly iss?: string }).iss ?? issuer;
}
