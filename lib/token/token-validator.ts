/** Is the token good? Picks who judges it. Usable without a request; scopes, groups and binding are judged elsewhere. */
import { TokenError } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import type { AccessTokenClaims } from './access-token-claims.js';
import { isJwt } from './decode-jwt.js';
import type { JwtTokenValidator } from './jwt-token.validator.js';

export class TokenValidator {
  #hasSaidHowToIntrospect = false;

  constructor(
    private readonly jwts: JwtTokenValidator,
    private readonly log: Log,
  ) {}

  /**
   * @throws {TokenError} if the token is not good
   * @throws {ProviderUnavailableError} if that cannot be known now
   */
  async validate(token: string): Promise<AccessTokenClaims> {
    if (typeof token !== 'string')
      throw new TokenError('invalid_token', { detail: 'the token is not a string' });
    if (isJwt(token)) return this.jwts.validate(token);

    if (!this.#hasSaidHowToIntrospect) {
      this.#hasSaidHowToIntrospect = true;
      this.log.warn(
        'a token that is not a JWT was refused: to accept opaque tokens, configure introspection with clientId and clientSecret',
      );
    }
    throw new TokenError('invalid_token', { detail: 'not a JWT, and introspection is not configured' });
  }
}
