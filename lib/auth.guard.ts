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
import { authorize } from './access/authorize.js';
import { enforceSenderConstraint } from './binding/sender-constraint.js';
import { resolveCertificate } from './credentials/client-certificate.js';
import { resolveCredentials } from './credentials/extract-credentials.js';
import type { IncomingRequest } from './credentials/incoming-request.js';
import { AuthError, MissingTokenError } from './errors/auth.errors.js';
import { challengeFor } from './errors/challenge.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';
import type { ResolvedOptions } from './options/auth-options.js';
import { attachPrincipal } from './principal/authenticated-request.js';
import { readRoutePolicy, type RoutePolicy } from './route/route-policy.js';
import { TokenValidator } from './token/token-validator.js';

interface OutgoingResponse {
  /** Express and Fastify both have it. */
  header(name: string, value: string): unknown;
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
  #fault: { readonly detail: string; readonly saidAt: number } | undefined;

  constructor(
    @Inject(TokenValidator) private readonly tokens: TokenValidator,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    let policy: RoutePolicy | undefined;
    try {
      policy = readRoutePolicy(context.getClass(), context.getHandler());
      if (policy.access === 'public') return true;
      if (context.getType() !== 'http')
        throw new MissingTokenError({ detail: `a ${context.getType()} message` });
      await this.#admit(context.switchToHttp().getRequest<IncomingRequest>(), policy);
      return true;
    } catch (error) {
      throw this.#refuse(error, context, policy);
    }
  }

  async #admit(request: IncomingRequest, policy: RoutePolicy): Promise<void> {
    const credentials = await resolveCredentials(request, this.options);
    if (!credentials) {
      if (policy.access === 'optional') return;
      throw new MissingTokenError();
    }
    const claims = await this.tokens.validate(credentials.token, policy.introspectMaxAge);
    await enforceSenderConstraint(claims, {
      certificate: () => resolveCertificate(request, this.options),
      certificateAsked: policy.certificateBound || this.options.validateCertificateBinding === 'required',
    });
    authorize(claims, policy, this.options.groupOptions);
    attachPrincipal(request, { claims, token: credentials.token });
  }

  #refuse(error: unknown, context: ExecutionContext, policy: RoutePolicy | undefined): HttpException {
    this.#report(error, context);
    if (context.getType() === 'http') {
      const response = context.switchToHttp().getResponse<OutgoingResponse>();
      for (const [name, value] of headersFor(error, policy)) response.header(name, value);
    }
    return exceptionFor(error);
  }

  /** A wrong option spoils every request: it is said once a minute, not once a request. */
  #reportFault(detail: string, route: string): void {
    const now = performance.now();
    if (this.#fault?.detail === detail && now - this.#fault.saidAt < 60_000) return;
    this.#fault = { detail, saidAt: now };
    this.#log.error(`${route}: refused: ${detail}`);
  }

  /** Bad tokens are everyday business; a fault of this server or of the provider is the operator's. */
  #report(error: unknown, context: ExecutionContext): void {
    const route = `${context.getClass().name}.${context.getHandler().name}`;
    if (!(error instanceof AuthError)) {
      this.#log.error(`${route}: refused, because the guard could not decide`, stackOf(error));
    } else if (error.status === 500) {
      this.#reportFault(error.detail ?? error.message, route);
    } else {
      this.#log.debug(`${route}: ${error.status} ${error.code}: ${error.detail ?? error.message}`);
    }
  }
}

function headersFor(error: unknown, policy: RoutePolicy | undefined): readonly (readonly [string, string])[] {
  if (!(error instanceof AuthError)) return [];
  const challenge = challengeFor(error, policy?.scopes);
  if (challenge !== undefined) return [['WWW-Authenticate', challenge]];
  return 'retryAfter' in error ? [['Retry-After', String(error.retryAfter)]] : [];
}

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
