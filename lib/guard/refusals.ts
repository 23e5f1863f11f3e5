/** How is a request refused? The answer's headers, the operator's log, and the exception that Nest turns into the answer. */
import {
  BadRequestException,
  ForbiddenException,
  InternalServerErrorException,
  Logger,
  ServiceUnavailableException,
  UnauthorizedException,
  type ExecutionContext,
  type HttpException,
} from '@nestjs/common';
import { DPoPProofError } from '../binding/dpop-proof.js';
import { AuthError } from '../errors/auth.errors.js';
import { challengesFor, type Offer } from '../errors/challenge.js';

export interface OutgoingResponse {
  /** Express and Fastify both have it. */
  header(name: string, value: string | readonly string[] | undefined): unknown;
}

const MAX_REASONS = 50;

export class Refusals {
  readonly #saidAt = new Map<string, number>();

  constructor(private readonly log: Logger) {}

  /** Sets the headers, tells the log, and hands over what to throw. */
  refuse(error: unknown, context: ExecutionContext, offer: () => Offer): HttpException {
    this.#report(error, context);
    if (context.getType() === 'http' && error instanceof AuthError) {
      setHeaders(context.switchToHttp().getResponse<OutgoingResponse>(), error, offer());
    }
    return exceptionFor(error);
  }

  /** Bad tokens are everyday business; a fault of this server, or of what it depends on, is the operator's. */
  #report(error: unknown, context: ExecutionContext): void {
    const route = routeOf(context);
    if (!(error instanceof AuthError)) {
      const stack = error instanceof Error ? error.stack : undefined;
      this.log.error(`${route}: refused, because the guard could not decide`, stack);
      return;
    }
    const reason = error.detail ?? error.message;
    if (error.status !== 500) this.log.debug(`${route}: ${error.status} ${error.code}: ${reason}`);
    if (error.status >= 500 && this.#isNews(reason))
      this.log[error.status === 500 ? 'error' : 'warn'](`${route}: refused: ${reason}`);
  }

  /** A wrong option or an outage spoils every request: it is said once a minute, not once a request. */
  #isNews(reason: string): boolean {
    const now = performance.now();
    const saidAt = this.#saidAt.get(reason);
    if (saidAt !== undefined && now - saidAt < 60_000) return false;
    if (this.#saidAt.size >= MAX_REASONS) this.#saidAt.clear();
    this.#saidAt.set(reason, now);
    return true;
  }
}

/** As logs and events name it. */
export function routeOf(context: ExecutionContext): string {
  return `${context.getClass().name}.${context.getHandler().name}`;
}

function setHeaders(response: OutgoingResponse, error: AuthError, offer: Offer): void {
  const challenges = challengesFor(error, offer);
  if (challenges.length > 0)
    response.header('WWW-Authenticate', challenges.length === 1 ? challenges[0] : challenges);
  if ('retryAfter' in error) response.header('Retry-After', String(error.retryAfter));
  if (error instanceof DPoPProofError && error.nonce !== undefined)
    response.header('DPoP-Nonce', error.nonce);
}

/** Nest's exceptions collect a stack; that of a refusal is always this one. */
function exceptionFor(cause: unknown): HttpException {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', 0);
  const exception = makeException(cause);
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  return exception;
}

function makeException(cause: unknown): HttpException {
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
