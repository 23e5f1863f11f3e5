/** Converts an `AuthError` that a handler throws into the response that the guard would send. */
import { Catch, Inject, Injectable, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ApplicationConfig, BaseExceptionFilter } from '@nestjs/core';
import { AuthError } from '../errors/auth.errors.js';
import type { Offer } from '../errors/challenge.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { isObject } from '../jose/strict-json.js';
import { admittedPolicy } from './admitted-requests.js';
import { principalOf } from '../principal/authenticated-request.js';
import { findTransport } from '../transport/transports.js';
import { offerFor, Refusals } from './refusals.js';
import { answerRefused, REFUSED_MESSAGE_FILTER } from './rpc/refused-messages.filter.js';
import { sendException } from './sockets/messages.js';

/** The metadata key of `@Catch()`, which Nest does not export. */
const CAUGHT = '__filterCatchExceptions__';

/**
 * Answers every {@link AuthError} that a handler, a pipe or an interceptor throws, for example one of
 * `TokenValidationService`, as the guard would answer it: over HTTP with the same status, body and headers (401 with a
 * challenge for an invalid token, 503 with `Retry-After` for an outage). {@link AuthModule} registers it globally.
 *
 * The global filters of the application receive the `HttpException` that the guard would have thrown. Filters on a controller
 * or a handler run first, and receive the {@link AuthError} itself.
 */
@Catch(AuthError)
@Injectable()
export class AuthErrorFilter extends BaseExceptionFilter {
  readonly #refusals = new Refusals(new Logger(AuthErrorFilter.name));

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
  ) {
    super();
    // Nest tries the last global filter first. This one comes last, because a filter that catches everything would not send the
    // response that this error requires.
    const read = config.getGlobalFilters.bind(config);
    config.getGlobalFilters = () => [
      REFUSED_MESSAGE_FILTER,
      ...read().filter((each) => each !== this && each !== REFUSED_MESSAGE_FILTER),
      this,
    ];
  }

  override catch(error: AuthError, host: ArgumentsHost): unknown {
    const exception = this.#refusals.refuse(error, host, 'a handler', () =>
      offerFor(this.options, policyOfCall(host, this.options), presentedIn(host)),
    );
    switch (host.getType<string>()) {
      case 'http':
        return (this.#nextFilter(exception) ?? BaseExceptionFilter.prototype.catch.bind(this))(
          exception,
          host,
        );
      case 'rpc':
        return (this.#nextFilter(exception) ?? answerRefused)(exception, host);
      case 'ws':
        // Nest does not catch what a filter for a gateway throws.
        return sendException(host.switchToWs().getClient<object>(), exception);
      default:
        throw exception;
    }
  }

  #nextFilter(exception: Error): ExceptionFilter['catch'] | undefined {
    const next = this.config
      .getGlobalFilters()
      .toReversed()
      .find((filter) => filter !== this && catches(filter, exception));
    return next?.catch.bind(next);
  }
}

/** Returns the audience of the route that the guard admitted the request to, so that the challenge names the API of the route. */
function policyOfCall(
  host: ArgumentsHost,
  options: ResolvedOptions,
): { readonly dpopBound: false; readonly requirements: readonly []; readonly audience: string | undefined } {
  const request: unknown = host.getType() === 'http' ? host.switchToHttp().getRequest() : undefined;
  const audience = isObject(request) ? admittedPolicy(request, options)?.audience : undefined;
  return { dpopBound: false, requirements: [], audience };
}

/** Returns `DPoP` for a DPoP-bound token, because such a token is admitted only with a proof. */
function presentedIn(host: ArgumentsHost): Offer['presented'] {
  const carrier = findTransport(host)?.callOf(host)?.carrier;
  return carrier && principalOf(carrier)?.claims.cnf?.jkt !== undefined ? 'DPoP' : undefined;
}

function catches(filter: ExceptionFilter, exception: Error): boolean {
  const types = (Reflect.getMetadata(CAUGHT, filter.constructor) ?? []) as readonly unknown[];
  return types.length === 0 || types.some((type) => typeof type === 'function' && exception instanceof type);
}
