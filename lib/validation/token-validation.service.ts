/** Validates tokens where no route is guarded: in a WebSocket handshake, a queue consumer or a script. */
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { checkAccess, type Requiring } from '../access/authorize.js';
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

/** Requirements that {@link TokenValidationService.validateAccessToken} checks. */
export interface ValidateAccessTokenOptions {
  /** The token must have all of these scopes. @default none */
  readonly scopes?: readonly string[];
  /** The token must have one of these groups; with the module's `groupOptions.matchAll` all of them. @default none */
  readonly groups?: readonly string[];
  /**
   * `true`: the token must be bound to `clientCertificate`. `false`: a binding to a certificate is not checked, for callers that
   * check it themselves. @default the module's `validateCertificateBinding`: a bound token must match
   */
  readonly validateCertificateBinding?: boolean;
  /** The certificate that the caller presented, in PEM or DER. */
  readonly clientCertificate?: string | ClientCertificate;
}

const OPTIONS: ReadonlySet<string> = new Set([
  'scopes',
  'groups',
  'validateCertificateBinding',
  'clientCertificate',
] satisfies (keyof ValidateAccessTokenOptions)[]);

/** The maximum number of cached policies, one for each combination of scopes and groups. */
const MAX_POLICIES = 100;

/** Validates access tokens outside of requests, with the options of the module. Injectable. */
@Injectable()
export class TokenValidationService {
  readonly #policies = new LRUCache<string, Requiring>({ max: MAX_POLICIES });

  constructor(
    @Inject(TokenValidator) private readonly tokens: TokenValidator,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * Validates an access token and returns its claims. It checks signature, issuer, audience, times and type, then revocation,
   * certificate binding, scopes and groups. It needs no request and no guard.
   *
   * A token that is bound to a certificate (`cnf.x5t#S256`) is rejected unless the certificate is passed as `clientCertificate`, or
   * `validateCertificateBinding` is `false`. A DPoP-bound token is always rejected, because no DPoP proof can be verified here.
   * Decorators are not read, and `loadUser` is not called.
   *
   * @param token the token, without a scheme
   * @throws {TokenError} if the token is invalid (`invalid_token`, `inactive_token`) or not sufficient (`insufficient_scope`,
   *   `insufficient_groups`)
   * @throws {TypeError} for an option that does not exist, and for `scopes` or `groups` that are not lists of strings
   * @throws {ProviderUnavailableError} if the token cannot be validated now
   * @throws {ConfigurationError} if the provider's responses show that this application is misconfigured
   * @throws {ProviderError} if the provider rejects this application's own credentials
   *
   * @example
   * ```ts
   * const { sub } = await this.tokens.validateAccessToken(job.token, { scopes: ['write:orders'] });
   * ```
   */
  async validateAccessToken(
    token: string,
    options: ValidateAccessTokenOptions = {},
  ): Promise<AccessTokenClaims> {
    // With a misspelt option, nothing would be required.
    const unknown = Object.keys(options).find((name) => !OPTIONS.has(name));
    if (unknown !== undefined) throw new TypeError(`validateAccessToken(): ${unknown} is not an option`);
    const policy = this.#policyOf(options);
    const validating = this.tokens.validate(token);
    const validated = validating instanceof Promise ? await validating : validating;
    const { claims } = validated;
    this.tokens.revocations.check(claims);
    const { clientCertificate, validateCertificateBinding } = options;
    const binding = enforceSenderConstraint(claims, {
      scheme: 'Bearer',
      dpopAsked: this.options.dpop.mode === 'required',
      bindingAsked: this.options.profile === 'fapi2',
      verifyProof: () =>
        Promise.reject(
          new TokenError('invalid_token', { reason: 'binding', detail: 'no DPoP proof can be checked here' }),
        ),
      certificate: () =>
        typeof clientCertificate === 'string' ? readPemCertificate(clientCertificate) : clientCertificate,
      certificateAsked: validateCertificateBinding ?? this.options.validateCertificateBinding === 'required',
      ignoresCertificate: validateCertificateBinding === false,
    });
    if (binding) await binding;
    const denial = checkAccess(validated, policy, this.tokens.optionsOf(validated));
    const found = denial instanceof Promise ? await denial : denial;
    if (found) throw found;
    return claims;
  }

  /** Returns the same policy for all calls with the same requirements, as each route has one. */
  #policyOf({ scopes = [], groups }: ValidateAccessTokenOptions): Requiring {
    const key = JSON.stringify({ scopes, groups });
    let policy = this.#policies.get(key);
    if (!policy) {
      checkList('scopes', scopes);
      if (groups !== undefined) checkList('groups', groups);
      const requirements = [
        ...(scopes.length > 0 ? [new ScopesRequirement([...scopes])] : []),
        ...(groups ? [new GroupsRequirement({ groups: [...groups] })] : []),
      ];
      this.#policies.set(key, (policy = { requirements }));
    }
    return policy;
  }

  /**
   * Removes cached results of a token, or of all tokens of a user (`sub`), a session (`sid`), an identifier (`jti`) or a client
   * (`clientId`): in this instance and in the shared cache. The next request calls the provider, and does not share a call that is
   * already in progress. A token is removed in all of its spellings. Call it if the provider knows of a revocation.
   *
   * It makes no token invalid: a JWT that is validated locally is accepted until it expires. `TokenRevocations.revoke()` makes
   * tokens invalid.
   *
   * @param selector exactly one of `token`, `sub`, `sid`, `jti` and `clientId`
   * @returns the number of removed results, and where such tokens may still be accepted
   * @throws {TypeError} unless the selector has exactly one member, a non-empty string
   *
   * @example
   * ```ts
   * const { notReached } = await this.tokens.forget({ sub: 'user-1' });
   * ```
   */
  forget(selector: ForgetSelector): Promise<ForgetReport> {
    return this.tokens.forget(selector);
  }
}

function checkList(name: 'scopes' | 'groups', list: unknown): void {
  if (!Array.isArray(list) || !list.every((each) => typeof each === 'string'))
    throw new TypeError(`validateAccessToken(): ${name} is not a list of strings`);
}
