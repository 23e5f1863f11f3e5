/** The way of a call: read policy, read credentials, validate, check binding, check access, attach principal. */
import {
  Inject,
  Injectable,
  Logger,
  Optional,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { checkAccess } from '../access/authorize.js';
import { DPoPProofVerifier } from '../binding/dpop-proof.js';
import { enforceSenderConstraint } from '../binding/sender-constraint.js';
import { resolveCertificate } from '../credentials/client-certificate.js';
import { resolveCredentials, type Credentials } from '../credentials/extract-credentials.js';
import { targetUriOf } from '../credentials/target-uri.js';
import {
  invalidToken,
  MissingTokenError,
  UnsupportedContextError,
  type TokenError,
} from '../errors/auth.errors.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { readRoutePolicy, type RoutePolicy } from '../policy/route-policy.js';
import { attachPrincipal, markAsGuarded } from '../principal/authenticated-request.js';
import { loadPrincipal } from '../principal/user-options.js';
import { runVerification, waitForBatch } from '../timing/verification-queue.js';
import type { ValidatedToken } from '../token/validated-token.js';
import type { Transport } from '../transport/transport.js';
import { findTransport } from '../transport/transports.js';
import { TokenValidator } from '../validation/token-validator.js';
import { isAdmitted, rememberAdmission } from './admitted-requests.js';
import { Decision } from './decision-events.js';
import { GuardInPlace } from './guard-in-place.js';
import { offerFor, Refusals, routeOf } from './refusals.js';

/**
 * Guards every route of the application: registered under `APP_GUARD` by {@link AuthModule}, overridable in tests.
 *
 * Sets `WWW-Authenticate` or `Retry-After` on the response, then rejects with an ordinary `HttpException` whose `cause` is the
 * {@link AuthError}. Never answers `false`. A context other than HTTP is refused unless the handler is `@Public()`.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  readonly #log = new Logger(AuthGuard.name);
  readonly #refusals = new Refusals(this.#log);

  constructor(
    @Inject(TokenValidator) private readonly tokens: TokenValidator,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(DPoPProofVerifier) private readonly proofs: DPoPProofVerifier | null,
    @Optional() @Inject(GuardInPlace) private readonly inPlace?: GuardInPlace,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    // A test has put another guard in this one's place. Nest takes whatever a guard answers with.
    if (this.inPlace?.guard) return this.inPlace.guard.canActivate(context) as boolean | Promise<boolean>;
    return this.#admit(context);
  }

  async #admit(context: ExecutionContext): Promise<true> {
    const decision = new Decision(context, this.options.issuer);
    let policy: RoutePolicy | undefined;
    try {
      policy = readRoutePolicy(context.getClass(), context.getHandler());
      const transport = findTransport(context);
      if (transport) markAsGuarded(transport.requestOf(context));
      if (policy.access === 'public') return decision.allow('public');

      if (!transport) throw new UnsupportedContextError(context.getType());
      const request = transport.requestOf(context);
      if (isAdmitted(request, this.options, policy)) return true;
      // What is at hand is not awaited: three awaits would cost a third of the guard's time for a known token.
      const resolved = resolveCredentials(request, this.options);
      const credentials = resolved instanceof Promise ? await resolved : resolved;
      if (!credentials) {
        if (policy.access !== 'optional') throw new MissingTokenError();
        return decision.allow('anonymous');
      }
      if (credentials.scheme === 'DPoP' && !this.proofs) throw dpopIsOff();
      decision.scheme = credentials.scheme;

      const validation = this.tokens.validate(credentials.token, policy.introspectMaxAge);
      const validated = validation instanceof Promise ? await validation : validation;
      const binding = this.#checkBinding(validated, credentials.scheme, policy, context, transport);
      if (binding) await binding;
      const checked = checkAccess(validated, policy, this.options, request);
      const denial = checked instanceof Promise ? await checked : checked;
      await waitForBatch();
      if (denial) throw denial;

      const { loadUser, userProperty } = this.options;
      const principal = loadUser ? await loadPrincipal(validated, loadUser, context) : validated;
      attachPrincipal(request, principal, userProperty);
      rememberAdmission(request, this.options, policy);
      return decision.allow('token');
    } catch (error) {
      decision.refuse(error);
      throw this.#refusals.refuse(error, context, routeOf(context), () =>
        offerFor(this.options, policy, decision.scheme),
      );
    }
  }

  #checkBinding(
    { token, claims }: ValidatedToken,
    scheme: Credentials['scheme'],
    policy: RoutePolicy,
    context: ExecutionContext,
    transport: Transport,
  ): void | Promise<void> {
    return enforceSenderConstraint(claims, {
      scheme,
      certificate: () => resolveCertificate(transport.requestOf(context), this.options, this.#log),
      certificateAsked: policy.certificateBound || this.options.validateCertificateBinding === 'required',
      dpopAsked: policy.dpopBound || this.options.dpop.mode === 'required',
      verifyProof: (jkt) => this.#verifyProof(token, jkt, context, transport),
    });
  }

  async #verifyProof(
    token: string,
    jkt: string,
    context: ExecutionContext,
    transport: Transport,
  ): Promise<void> {
    const { proofs } = this;
    if (!proofs) throw dpopIsOff();
    const request = transport.requestOf(context);
    const header = request.headers['dpop'];
    const presented = {
      proof: Array.isArray(header) ? header.join(',') : header,
      token,
      method: request.method ?? '',
      targetUri: targetUriOf(request, this.options),
      jkt,
    };
    const nextNonce = await runVerification(() => proofs.verify(presented));
    if (nextNonce !== undefined) transport.setHeader(context, 'DPoP-Nonce', nextNonce);
  }
}

const dpopIsOff = (): TokenError => invalidToken('binding', 'DPoP is switched off');
