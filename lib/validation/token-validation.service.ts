/** Validates tokens where there is no route to guard: a WebSocket handshake, a queue, a script. */
import { Inject, Injectable } from '@nestjs/common';
import { authorize } from '../access/authorize.js';
import { GroupsRequirement } from '../access/requirements/groups.js';
import { ScopesRequirement } from '../access/requirements/scopes.js';
import { enforceSenderConstraint } from '../binding/sender-constraint.js';
import { readPemCertificate, type ClientCertificate } from '../credentials/client-certificate.js';
import { TokenError } from '../errors/auth.errors.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import type { ForgetSelector } from '../introspection/forget-selector.js';
import { TokenValidator, type ForgetReport } from './token-validator.js';

export interface ValidateAccessTokenOptions {
  /** The token must hold all of these. */
  readonly scopes?: readonly string[];
  /** The token must name any of these; all of them with the module's `groupOptions.matchAll`. */
  readonly groups?: readonly string[];
  /**
   * `true`: the token must be bound to `clientCertificate`. `false`: a binding to a certificate is not looked at, for
   * callers that check it themselves. @default the module's `validateCertificateBinding`: a bound token must match
   */
  readonly validateCertificateBinding?: boolean;
  /** The certificate that the caller presented, in PEM or DER. */
  readonly clientCertificate?: string | ClientCertificate;
}

@Injectable()
export class TokenValidationService {
  constructor(
    @Inject(TokenValidator) private readonly tokens: TokenValidator,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * The claims of a good access token: signature, issuer, audience, times and type, then revocation, binding, scopes and
   * groups.
   * Needs no request and no guard.
   *
   * A token bound to a certificate (`cnf.x5t#S256`) is refused unless that certificate is handed in as
   * `clientCertificate`, or `validateCertificateBinding: false` says that the caller checks it. A DPoP-bound token is
   * always refused: no DPoP proof can be checked here to go with it.
   *
   * @throws {TokenError} if the token is not good (`invalid_token`, `inactive_token`) or not enough
   *   (`insufficient_scope`, `insufficient_groups`)
   * @throws {ProviderUnavailableError} if that cannot be determined now
   * @throws {ConfigurationError} if the provider's answers show that this application is set up wrongly
   * @throws {ProviderError} if the provider refuses this application's own credentials
   */
  async validateAccessToken(
    token: string,
    options: ValidateAccessTokenOptions = {},
  ): Promise<AccessTokenClaims> {
    const validated = await this.tokens.validate(token);
    const { claims } = validated;
    this.tokens.revocations.check(claims);
    const binding = options.validateCertificateBinding;
    const { clientCertificate } = options;
    await enforceSenderConstraint(claims, {
      scheme: 'Bearer',
      dpopAsked: this.options.dpop.mode === 'required',
      bindingAsked: this.options.profile === 'fapi2',
      verifyProof: () =>
        Promise.reject(
          new TokenError('invalid_token', { reason: 'binding', detail: 'no DPoP proof can be checked here' }),
        ),
      certificate: () =>
        typeof clientCertificate === 'string' ? readPemCertificate(clientCertificate) : clientCertificate,
      certificateAsked: binding ?? this.options.validateCertificateBinding === 'required',
      ignoresCertificate: binding === false,
    });
    const { scopes = [], groups } = options;
    const requirements = [
      ...(scopes.length > 0 ? [new ScopesRequirement(scopes)] : []),
      ...(groups ? [new GroupsRequirement({ groups })] : []),
    ];
    await authorize(validated, { requirements }, this.tokens.optionsOf(validated));
    return claims;
  }

  /**
   * Forgets what is remembered of a token, or of all tokens of a user (`sub`), a session (`sid`), a client, or with an
   * identifier (`jti`): here, and in the shared cache. The next request asks the provider, also where one is being asked at
   * this moment. A token is forgotten in every spelling of it. Call it where the provider knows of a revocation. Says what it
   * could not reach.
   *
   * Makes no token invalid: a JWT that is validated here goes on working until it expires. `TokenRevocations.revoke()` ends
   * tokens, whatever the provider says.
   *
   * @throws {TypeError} unless it is told exactly one of these
   */
  forget(selector: ForgetSelector): Promise<ForgetReport> {
    return this.tokens.forget(selector);
  }
}
