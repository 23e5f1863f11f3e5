/** The request's way: what does the route ask, what did the caller present, is it good, is it theirs, is it enough? */
import {
  Inject,
  Injectable,
  Logger,
  Optional,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { HttpArgumentsHost } from '@nestjs/common/interfaces/index.js';
import { findDenial } from '../access/authorize.js';
import { isAdmitted, rememberAdmission } from './admitted-requests.js';
import { beginDecision, publishAllowed, publishRefused, type Decided } from './decision-events.js';
import { GuardInPlace } from './guard-in-place.js';
import { Refusals, type OutgoingResponse } from './refusals.js';
import { DPOP_ALGORITHMS, DPoPProofVerifier } from '../binding/dpop-proof.js';
import { enforceSenderConstraint } from '../binding/sender-constraint.js';
import { resolveCertificate } from '../credentials/client-certificate.js';
import { resolveCredentials, type Credentials } from '../credentials/extract-credentials.js';
import type { IncomingRequest } from '../credentials/incoming-request.js';
import { targetUriOf } from '../credentials/target-uri.js';
import { MissingTokenError, TokenError } from '../errors/auth.errors.js';
import type { Offer } from '../errors/challenge.js';
import { whenReady } from '../timing/when-ready.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { attachPrincipal } from '../principal/authenticated-request.js';
import { readRoutePolicy, type RoutePolicy } from '../policy/route-policy.js';
import { TokenValidator } from '../validation/token-validator.js';
import { waitForVerification, waitForBatch } from '../timing/verification-queue.js';
import type { ValidatedToken } from '../token/validated-token.js';

/** What keeps a good token from being enough, if anything. */
type Lack = TokenError | undefined;

/** What is known of a request so far. */
interface Attempt extends Decided {
  policy: RoutePolicy | undefined;
  presented: Credentials['scheme'] | undefined;
}

/**
 * Guards every HTTP route of the application: registered under `APP_GUARD` by {@link AuthModule}, overridable in tests.
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

  /** Refuses by a rejected promise. Requests of a route that is not public go on in their turn. */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    // Nest takes whatever a guard answers with.
    if (this.inPlace?.guard) return this.inPlace.guard.canActivate(context) as boolean | Promise<boolean>;
    const attempt: Attempt = {
      beganAt: beginDecision(),
      issuer: this.options.issuer,
      policy: undefined,
      presented: undefined,
    };
    try {
      const policy = (attempt.policy = readRoutePolicy(context.getClass(), context.getHandler()));
      if (policy.access !== 'public' && isAdmitted(context, this.options, policy)) return true;
      const lack = this.#judge(context, attempt, policy);
      if (lack instanceof Promise) {
        return lack.then(
          (found) => this.#decide(found, context, attempt),
          (error: unknown) => this.#refuse(error, context, attempt),
        );
      }
      if (attempt.policy?.access === 'public') return this.#decide(lack, context, attempt);
      return waitForBatch().then(() => this.#decide(lack, context, attempt));
    } catch (error) {
      return waitForBatch().then(() => this.#refuse(error, context, attempt));
    }
  }

  #judge(context: ExecutionContext, attempt: Attempt, policy: RoutePolicy): Lack | Promise<Lack> {
    if (policy.access === 'public') return undefined;
    if (context.getType() !== 'http')
      throw new MissingTokenError({ detail: `a ${context.getType()} message` });

    const http = context.switchToHttp();
    const request = http.getRequest<IncomingRequest>();
    return whenReady(resolveCredentials(request, this.options), (credentials) => {
      if (credentials) return this.#checkCredentials(credentials, policy, http, attempt);
      if (policy.access !== 'optional') throw new MissingTokenError();
      return undefined;
    });
  }

  #checkCredentials(
    { token, scheme }: Credentials,
    policy: RoutePolicy,
    http: HttpArgumentsHost,
    attempt: Attempt,
  ): Lack | Promise<Lack> {
    if (scheme === 'DPoP' && !this.proofs) throw dpopIsOff();
    attempt.presented = scheme;
    return whenReady(this.tokens.validate(token, policy.introspectMaxAge), (validated) =>
      whenReady(this.#enforceBinding(validated, scheme, policy, http), () => {
        const lack = findDenial(validated, policy, this.options.groupOptions);
        if (lack) return lack;
        const request = http.getRequest<IncomingRequest>();
        attachPrincipal(request, validated);
        rememberAdmission(request, this.options, policy);
        return undefined;
      }),
    );
  }

  #enforceBinding(
    { token, claims }: ValidatedToken,
    scheme: Credentials['scheme'],
    policy: RoutePolicy,
    http: HttpArgumentsHost,
  ): void | Promise<void> {
    return enforceSenderConstraint(claims, {
      scheme,
      certificate: () => resolveCertificate(http.getRequest<IncomingRequest>(), this.options, this.#log),
      certificateAsked: policy.certificateBound || this.options.validateCertificateBinding === 'required',
      dpopAsked: policy.dpopBound || this.options.dpop.mode === 'required',
      verifyProof: (jkt) => this.#verifyProof(http, token, jkt),
    });
  }

  async #verifyProof(http: HttpArgumentsHost, token: string, jkt: string): Promise<void> {
    if (!this.proofs) throw dpopIsOff();
    const request = http.getRequest<IncomingRequest>();
    const header = request.headers['dpop'];
    await waitForVerification();
    const nextNonce = await this.proofs.verify({
      proof: Array.isArray(header) ? header.join(',') : header,
      token,
      method: request.method ?? '',
      targetUri: targetUriOf(request, this.options),
      jkt,
    });
    if (nextNonce !== undefined) http.getResponse<OutgoingResponse>().header('DPoP-Nonce', nextNonce);
  }

  #decide(lack: Lack, context: ExecutionContext, attempt: Attempt): true | Promise<never> {
    if (lack) return this.#refuse(lack, context, attempt);
    const isPublic = attempt.policy?.access === 'public';
    publishAllowed(context, attempt, isPublic ? 'public' : attempt.presented ? 'token' : 'anonymous');
    return true;
  }

  #refuse(error: unknown, context: ExecutionContext, attempt: Attempt): Promise<never> {
    publishRefused(context, attempt, error);
    return Promise.reject(this.#refusals.refuse(error, context, () => this.#offerFor(attempt)));
  }

  #offerFor({ policy, presented }: Attempt): Offer {
    const { dpop, offersDPoP, resourceMetadataUrl: resourceMetadata } = this.options;
    const dpopAsked = policy?.dpopBound === true || dpop.mode === 'required';
    const schemes: Offer['schemes'] = dpopAsked ? ['DPoP'] : offersDPoP ? ['Bearer', 'DPoP'] : ['Bearer'];
    const algs = DPOP_ALGORITHMS.join(' ');
    return { scopes: policy?.scopes ?? [], schemes, presented, algs, resourceMetadata };
  }
}

const dpopIsOff = (): TokenError =>
  new TokenError('invalid_token', { reason: 'binding', detail: 'DPoP is switched off' });
