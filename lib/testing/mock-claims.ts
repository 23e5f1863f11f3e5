/** Who is calling, in a unit test? Whoever the test says: no token, no issuer, no network. What the route asks still counts. */
import { Logger, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { accessOf, checkAccess } from '../access/authorize.js';
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

/** The claims of the caller, as far as the test cares. `scope` may be a list, too. */
export type MockedClaims = Readonly<Record<string, unknown>>;

export interface MockClaimsOptions {
  /** As in the module's options. @default groupsClaim 'groups', matchAll false; with `applyTo`: the application's own */
  readonly groupOptions?: Partial<GroupOptions>;
}

/** As much of `TestingModuleBuilder` as is used. */
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
 * A stand-in for `AuthGuard` that takes the caller's claims from the test. `undefined`: nobody is signed in.
 *
 * Decorators are read as ever: `@Scopes` and `@Groups` are enforced, `@Public` and `@OptionalAuth` open, and refusals have
 * the same status, body and `WWW-Authenticate`. `iss`, `sub`, `aud`, `exp` and `iat` are made up where they are left out.
 *
 * Not checked: anything about a token, which is not even looked at; times; options that ask something of every token; and
 * bindings, which are believed: `@CertBound()` asks for a claim `cnf` with `x5t#S256`, `@DPoPBound()` for one with `jkt`.
 */
export function mockClaims(claims?: MockedClaims, options: MockClaimsOptions = {}): MockedGuard {
  return new MockedGuard(claims, options);
}

export class MockedGuard implements CanActivate {
  readonly #refusals = new Refusals(new Logger(AuthGuard.name));
  #access: AccessOptions;
  #resourceMetadata: string | undefined;
  readonly #issuer = new TrustedIssuer(
    resolveOptions({ issuer: ISSUER, audience: AUDIENCE, envPrefix: 'MOCK_' }, () => undefined),
    new Logger(AuthGuard.name),
  );
  #userOptions: UserOptions = { userProperty: 'user' };

  constructor(
    /** Who calls from now on. `undefined`: nobody who is signed in. */
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
   * Puts this guard into an application that imports `AuthModule`: the module then needs no issuer and no audience, asks
   * nobody, and its `groupOptions` hold. Other options are still checked.
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
      factory: ({ groupOptions, resourceMetadataUrl, loadUser, userProperty }: ResolvedOptions) => {
        this.#resourceMetadata = resourceMetadataUrl;
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
        resourceMetadata: this.#resourceMetadata,
      }));
    }
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
    const claims = completeClaims(this.claims);
    checkBinding(claims, policy);
    const token = new ValidatedToken('mocked-token', claims, this.#issuer);
    const denial = await checkAccess(token, policy, this.#access, call.request);
    if (denial) throw denial;
    const isHandshake = context instanceof HandshakeContext;
    const { loadUser, userProperty } = this.#userOptions;
    if (isHandshake && loadUser) return attachPrincipal(call.carrier, token, false);
    const principal = loadUser ? await loadPrincipal(token, loadUser, context) : token;
    attachPrincipal(call.carrier, principal, userProperty, call.operation);
  }
}

/** How a client would have sent the token. */
function schemeOf(claims: MockedClaims | undefined): 'Bearer' | 'DPoP' | undefined {
  if (!claims) return undefined;
  return (claims['cnf'] as AccessTokenClaims['cnf'])?.jkt === undefined ? 'Bearer' : 'DPoP';
}

/** The application's own options, but for those that name the provider. */
function resolveWithoutProvider(
  given: AuthModuleOptions | undefined,
  config: ConfigService = new ConfigService(),
): ResolvedOptions {
  const { tenantDomain: _, ...others } = given ?? {};
  const options = { ...others, issuer: ISSUER, audience: AUDIENCE, warmUp: 'off' } as const;
  return resolveOptions(options, (name) => config.get<unknown>(name));
}

/** Frozen, like those of a real token: a handler that changes them fails in the test already. */
function completeClaims(claims: MockedClaims): AccessTokenClaims {
  const now = nowInSeconds();
  const complete = { iss: ISSUER, sub: 'user-1', aud: AUDIENCE, exp: now + 600, iat: now, ...claims };
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
