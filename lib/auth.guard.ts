/** The request's way: what does the route ask, what did the caller present, is it good, is it theirs, is it enough? */
import {
  BadRequestException,
  ForbiddenException,
  Inject,
  Injectable,
  InternalServerErrorException,
  Logger,
  ServiceUnavailableException,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
  type HttpException,
} from '@nestjs/common';
import type { HttpArgumentsHost } from '@nestjs/common/interfaces/index.js';
import { authorize } from './access/authorize.js';
import { DPOP_ALGORITHMS, DPoPProofError, DPoPProofVerifier } from './binding/dpop-proof.js';
import { enforceSenderConstraint } from './binding/sender-constraint.js';
import { resolveCertificate } from './credentials/client-certificate.js';
import { resolveCredentials, type Credentials } from './credentials/extract-credentials.js';
import type { IncomingRequest } from './credentials/incoming-request.js';
import { targetUriOf } from './credentials/target-uri.js';
import { AuthError, MissingTokenError, TokenError } from './errors/auth.errors.js';
import { challengesFor, type Offer } from './errors/challenge.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';
import type { ResolvedOptions } from './options/auth-options.js';
import { attachPrincipal } from './principal/authenticated-request.js';
import { readRoutePolicy, type RoutePolicy } from './route/route-policy.js';
import { TokenValidator } from './token/token-validator.js';

interface OutgoingResponse {
  /** Express and Fastify both have it. */
  header(name: string, value: string | readonly string[] | undefined): unknown;
}

/** What is known of a request when it is refused. */
interface Attempt {
  policy?: RoutePolicy;
  presented?: Credentials['scheme'];
}

/**
 * Guards every HTTP route of the application: registered under `APP_GUARD` by {@link AuthModule}, overridable in tests.
 *
 * Sets `WWW-Authenticate` or `Retry-After` on the response, then throws an ordinary `HttpException` whose `cause` is the
 * {@link AuthError}. Never answers `false`. A context other than HTTP is refused unless the handler is `@Public()`.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  readonly #log = new Logger(AuthGuard.name);
  readonly #said = new Map<string, number>();

  constructor(
    @Inject(TokenValidator) private readonly tokens: TokenValidator,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(DPoPProofVerifier) private readonly proofs: DPoPProofVerifier | null,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const attempt: Attempt = {};
    try {
      const policy = (attempt.policy = readRoutePolicy(context.getClass(), context.getHandler()));
      if (policy.access === 'public') return true;
      if (context.getType() !== 'http')
        throw new MissingTokenError({ detail: `a ${context.getType()} message` });
      await this.#admit(context.switchToHttp(), policy, attempt);
      return true;
    } catch (error) {
      throw this.#refuse(error, context, attempt);
    }
  }

  async #admit(http: HttpArgumentsHost, policy: RoutePolicy, attempt: Attempt): Promise<void> {
    const request = http.getRequest<IncomingRequest>();
    const credentials = await resolveCredentials(request, this.options);
    if (!credentials) {
      if (policy.access === 'optional') return;
      throw new MissingTokenError();
    }
    const { token, scheme } = credentials;
    if (scheme === 'DPoP' && !this.proofs)
      throw new TokenError('invalid_token', { detail: 'DPoP is switched off' });
    attempt.presented = scheme;
    const claims = await this.tokens.validate(token, policy.introspectMaxAge);
    await enforceSenderConstraint(claims, {
      scheme,
      certificate: () => resolveCertificate(request, this.options, this.#log),
      certificateAsked: policy.certificateBound || this.options.validateCertificateBinding === 'required',
      dpopAsked: policy.dpopBound || this.options.dpop.mode === 'required',
      verifyProof: (jkt) => this.#verifyProof(http, token, jkt),
    });
    authorize(claims, policy, this.options.groupOptions);
    attachPrincipal(request, { claims, token });
  }

  async #verifyProof(http: HttpArgumentsHost, token: string, jkt: string): Promise<void> {
    const request = http.getRequest<IncomingRequest>();
    const header = request.headers['dpop'];
    const nextNonce = await this.proofs?.verify({
      proof: Array.isArray(header) ? header.join(',') : header,
      token,
      method: request.method ?? '',
      targetUri: targetUriOf(request, this.options),
      jkt,
    });
    if (nextNonce !== undefined) http.getResponse<OutgoingResponse>().header('DPoP-Nonce', nextNonce);
  }

  #refuse(error: unknown, context: ExecutionContext, attempt: Attempt): HttpException {
    this.#report(error, context);
    if (context.getType() === 'http' && error instanceof AuthError) {
      const response = context.switchToHttp().getResponse<OutgoingResponse>();
      const challenges = challengesFor(error, this.#offerFor(attempt));
      if (challenges.length > 0)
        response.header('WWW-Authenticate', challenges.length === 1 ? challenges[0] : challenges);
      if ('retryAfter' in error) response.header('Retry-After', String(error.retryAfter));
      if (error instanceof DPoPProofError && error.nonce !== undefined)
        response.header('DPoP-Nonce', error.nonce);
    }
    return exceptionFor(error);
  }

  #offerFor({ policy, presented }: Attempt): Offer {
    const { dpop, offersDPoP } = this.options;
    const dpopAsked = policy?.dpopBound === true || dpop.mode === 'required';
    const schemes: Offer['schemes'] = dpopAsked ? ['DPoP'] : offersDPoP ? ['Bearer', 'DPoP'] : ['Bearer'];
    return { scopes: policy?.scopes ?? [], schemes, presented, algs: DPOP_ALGORITHMS.join(' ') };
  }

  /** Bad tokens are everyday business; a fault of this server, or of what it depends on, is the operator's. */
  #report(error: unknown, context: ExecutionContext): void {
    const route = `${context.getClass().name}.${context.getHandler().name}`;
    if (!(error instanceof AuthError)) {
      this.#log.error(`${route}: refused, because the guard could not decide`, stackOf(error));
      return;
    }
    const reason = error.detail ?? error.message;
    if (error.status !== 500) this.#log.debug(`${route}: ${error.status} ${error.code}: ${reason}`);
    if (error.status >= 500 && this.#isNews(reason))
      this.#log[error.status === 500 ? 'error' : 'warn'](`${route}: refused: ${reason}`);
  }

  /** A wrong option or an outage spoils every request: it is said once a minute, not once a request. */
  #isNews(reason: string): boolean {
    const now = performance.now();
    const saidAt = this.#said.get(reason);
    if (saidAt !== undefined && now - saidAt < 60_000) return false;
    if (this.#said.size >= MOST_REASONS) this.#said.clear();
    this.#said.set(reason, now);
    return true;
  }
}

const MOST_REASONS = 50;

function exceptionFor(cause: unknown): HttpException {
  switch (cause instanceof AuthError ? cause.status : 500) {
    case 400:
      return new BadRequestException({ statusCode: 400, message: 'bad request' }, { cause });
    case 401:
      return new UnauthorizedException({ statusCode: 401, message: 'unauthorized' }, { cause });
    case 403:
      return new ForbiddenException({ statusCode: 403, message: 'forbidden' }, { cause });
    case 503:
      return new ServiceUnavailableException({ statusCode: 503, message: 'service unavailable' }, { cause });
    default:
      return new InternalServerErrorException(
        { statusCode: 500, message: 'internal server error' },
        { cause },
      );
  }
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
