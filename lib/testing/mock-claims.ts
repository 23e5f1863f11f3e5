/** A guard for unit tests that takes the claims from the test, without a token, issuer or network. Decorators still apply. */
import { Logger, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { accessOf, checkAccess } from '../access/authorize.js';
import { checkRecipient, isNamed } from '../access/recipient.js';
import type { Log } from '../errors/log.js';
import { withoutSlash } from '../issuer/issuer-metadata.js';
import type { AccessOptions, GroupOptions } from '../access/requirement.js';
import { AuthGuard } from '../guard/auth.guard.js';
import { MODULE_OPTIONS_TOKEN } from '../auth.module-definition.js';
import { Refusals, routeOf } from '../guard/refusals.js';
import { HandshakeContext, policyOf } from '../guard/sockets/handshake.js';
import { DPOP_ALGORITHMS } from '../binding/dpop-proof.js';
import {
  ConfigurationError,
  MissingTokenError,
  TokenError,
  UnsupportedContextError,
} from '../errors/auth.errors.js';
import type { AuthModuleOptions, ResolvedOptions } from '../options/auth-options.js';
import type { IssuerOptions } from '../options/issuers.js';
import { metadataUrlFor } from '../options/resource.js';
import { resolveOptions } from '../options/resolve-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { attachPrincipal, detachPrincipal, markAsGuarded } from '../principal/authenticated-request.js';
import { loadPrincipal, type UserOptions } from '../principal/user-options.js';
import { TrustedIssuer } from '../issuer/trusted-issuer.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import { freezeClaims, type AccessTokenClaims } from '../token/access-token-claims.js';
import { ValidatedToken } from '../token/validated-token.js';
import { findTransport } from '../transport/transports.js';
import { nowInSeconds } from './mint.js';

/** The claims of the caller. `scope` may also be a list. */
export type MockedClaims = Readonly<Record<string, unknown>>;

/** Options of {@link mockClaims}. */
export interface MockClaimsOptions {
  /**
   * As in the module's options. @default groupsClaim 'groups', matchAll false; with `applyTo` those of the application
   */
  readonly groupOptions?: Partial<GroupOptions>;
}

/** The part of `TestingModuleBuilder` that is used. */
export interface OverridableModule {
  overrideProvider(token: unknown): {
    useFactory(options: {
      factory: (...dependencies: never[]) => unknown;
      inject?: readonly unknown[];
    }): unknown;
  };
}

const ISSUER = 'https://issuer.test';
const AUDIENCE = 'https://api.test';

/**
 * Creates a replacement for `AuthGuard` that uses the claims of the test instead of a token. `undefined` is a caller without a token.
 *
 * Decorators apply as usual: `@Scopes` and `@Groups` are enforced, `@Public` and `@OptionalAuth` open routes, and rejections have the same
 * status, body and `WWW-Authenticate`. `iss`, `sub`, `aud`, `exp` and `iat` have defaults.
 *
 * Not checked: the token, which is not read; times; options that apply to every token; and bindings: `@CertBound()` accepts a claim `cnf`
 * with `x5t#S256`, `@DPoPBound()` one with `jkt`.
 *
 * @example
 * ```ts
 * const caller = mockClaims({ sub: 'user-7', scope: 'read:orders' });
 * const module = await caller.applyTo(Test.createTestingModule({ imports: [AppModule] })).compile();
 * caller.claims = undefined; // a caller without a token
 * ```
 */
export function mockClaims(claims?: MockedClaims, options: MockClaimsOptions = {}): MockedGuard {
  return new MockedGuard(claims, options);
}

/** The guard that {@link mockClaims} creates. `claims` can be changed between tests. */
export class MockedGuard implements CanActivate {
  readonly #refusals = new Refusals(new Logger(AuthGuard.name));
  #access: AccessOptions;
  #options: ResolvedOptions | undefined;
  /** The issuers of the application, else a placeholder. */
  #issuers: readonly TrustedIssuer[] = [madeUpIssuer(ISSUER)];
  #userOptions: UserOptions = { userProperty: 'user' };

  constructor(
    /** The claims of the caller of further requests. `undefined`: a caller without a token. */
    public claims: MockedClaims | undefined,
    private readonly options: MockClaimsOptions,
  ) {
    this.#access = {
      groupOptions: { groupsClaim: 'groups', matchAll: false, ...options.groupOptions },
      clockSkew: 0,
      clockTolerance: 0,
    };
  }

  /**
   * Installs this guard in an application that imports `AuthModule`. The module then requires no issuer, no audience and no
   * credentials of the client, and calls no provider; its `groupOptions` apply. Other options are validated as usual.
   *
   * @returns the same builder, for `.compile()`
   */
  applyTo<Builder extends OverridableModule>(builder: Builder): Builder {
    builder.overrideProvider(RESOLVED_OPTIONS).useFactory({
      inject: [MODULE_OPTIONS_TOKEN, { token: ConfigService, optional: true }],
      factory: resolveWithoutProvider,
    });
    builder.overrideProvider(AuthGuard).useFactory({
      inject: [RESOLVED_OPTIONS],
      factory: (resolved: ResolvedOptions) => {
        const { groupOptions, loadUser, userProperty, issuers } = resolved;
        if (issuers.length > 0) this.#issuers = issuers.map((each) => new TrustedIssuer(each, SILENT));
        this.#options = resolved;
        this.#userOptions = { loadUser, userProperty };
        this.#access = {
          ...this.#access,
          groupOptions: { ...groupOptions, ...this.options.groupOptions },
        };
        return this;
      },
    });
    return builder;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    let policy: RoutePolicy | undefined;
    try {
      await findTransport(context)?.prepare?.();
      policy = policyOf(context);
      await this.#admit(context, policy);
      return true;
    } catch (error) {
      throw this.#refusals.refuse(error, context, routeOf(context), () => ({
        schemes: [policy?.dpopBound ? 'DPoP' : 'Bearer'],
        presented: schemeOf(this.claims),
        algs: DPOP_ALGORITHMS.join(' '),
        scopes: policy ? accessOf(policy).scopes : [],
        resourceMetadata: this.#options && metadataUrlFor(this.#options, policy?.audience),
      }));
    }
  }

  /** Returns the issuer that `iss` names; without `iss` the first one that the route accepts. */
  #issuerFor(iss: unknown, { issuers: lists }: RoutePolicy): TrustedIssuer {
    if (typeof iss !== 'string') {
      const accepted = this.#issuers.find((issuer) => lists.every((names) => isNamed(issuer, names)));
      return accepted ?? this.#issuers[0] ?? madeUpIssuer(ISSUER);
    }
    const key = withoutSlash(iss);
    const named = this.#issuers.find((issuer) => withoutSlash(issuer.accessTokenIssuer) === key);
    return named ?? (URL.canParse(iss) ? madeUpIssuer(iss) : madeUpIssuer(ISSUER));
  }

  async #admit(context: ExecutionContext, policy: RoutePolicy): Promise<void> {
    const transport = findTransport(context);
    const call = transport?.callOf(context);
    if (call) markAsGuarded(call.carrier);
    if (policy.access === 'public') {
      if (call && transport?.kind === 'ws') detachPrincipal(call.carrier, this.#userOptions.userProperty);
      return;
    }
    if (!transport) throw new UnsupportedContextError(context.getType());
    if (!call) throw new ConfigurationError('no request', { detail: transport.missingRequest });
    if (!this.claims) {
      if (policy.access !== 'optional') throw new MissingTokenError();
      return;
    }
    const issuer = this.#issuerFor(this.claims['iss'], policy);
    const claims = completeClaims(this.claims, issuer, policy);
    const audiences = [policy.audience ?? []].flat();
    const unaccepted = checkRecipient({ claims, issuer }, policy, audiences);
    if (unaccepted) throw unaccepted;
    checkBinding(claims, policy);
    const token = new ValidatedToken('mocked-token', claims, issuer);
    const denial = await checkAccess(token, policy, this.#access, call.request);
    if (denial) throw denial;
    const isHandshake = context instanceof HandshakeContext;
    const { loadUser, userProperty } = this.#userOptions;
    if (isHandshake && loadUser) return attachPrincipal(call.carrier, token, false);
    const principal = loadUser ? await loadPrincipal(token, loadUser, context) : token;
    attachPrincipal(call.carrier, principal, userProperty, call.operation);
  }
}

const SILENT: Log = { debug() {}, warn() {}, error() {} };

/** Creates a placeholder, which is never called. */
function madeUpIssuer(issuer: string): TrustedIssuer {
  const [options] = resolveOptions({ issuer, audience: AUDIENCE }, () => undefined).issuers;
  if (!options) throw new ConfigurationError('mockClaims(): iss is not an issuer');
  return new TrustedIssuer(options, SILENT);
}

/** Returns the scheme with which a client would have sent the token. */
function schemeOf(claims: MockedClaims | undefined): 'Bearer' | 'DPoP' | undefined {
  if (!claims) return undefined;
  return (claims['cnf'] as AccessTokenClaims['cnf'])?.jkt === undefined ? 'Bearer' : 'DPoP';
}

/** Placeholders: the application often reads its credentials from the environment, where unit tests do not set them. */
const CREDENTIALS = {
  clientAuthMethod: 'client_secret_post',
  clientSecret: 'nobody is asked, so that nobody checks it',
} as const;

const withoutSecret = (issuer: IssuerOptions): IssuerOptions => ({ ...issuer, ...CREDENTIALS });

const nobody = (): undefined => undefined;

/** Resolves the application's options, with placeholders for those that identify the provider and the client. */
function resolveWithoutProvider(
  given: AuthModuleOptions | undefined,
  config: ConfigService = new ConfigService(),
): ResolvedOptions {
  const { tenantDomain: _, issuers, ...others } = given ?? {};
  const provider = issuers
    ? {
        issuers: Array.isArray(issuers) ? issuers.map(withoutSecret) : issuers,
        audience: others.audience ?? AUDIENCE,
        // Required because every issuer now has a client. It is not called, because nothing is introspected.
        opaqueTokenIssuer: others.opaqueTokenIssuer ?? nobody,
      }
    : { issuer: ISSUER, audience: AUDIENCE };
  const options = {
    ...others,
    ...provider,
    ...CREDENTIALS,
    clientId: others.clientId ?? 'client.test',
    warmUp: 'off',
  } as const;
  return resolveOptions(options, (name) => config.get<unknown>(name));
}

/** Adds defaults and freezes the claims like those of a real token, so that a handler that changes them fails in the test. */
function completeClaims(
  claims: MockedClaims,
  { accessTokenIssuer: iss }: TrustedIssuer,
  { audience: aud = AUDIENCE }: RoutePolicy,
): AccessTokenClaims {
  const now = nowInSeconds();
  const complete = { iss, sub: 'user-1', aud, exp: now + 600, iat: now, ...claims };
  return freezeClaims(structuredClone(complete));
}

function checkBinding({ cnf }: AccessTokenClaims, policy: RoutePolicy): void {
  const isMissing =
    (policy.certificateBound && cnf?.['x5t#S256'] === undefined) ||
    (policy.dpopBound && cnf?.jkt === undefined);
  if (isMissing)
    throw new TokenError('invalid_token', {
      reason: 'binding',
      detail: 'the mocked claims have no such cnf',
    });
}
