/** Rejects a call: logs the reason, sets the response headers and creates the exception that Nest turns into the response. */
import { Logger, type ArgumentsHost, type ExecutionContext } from '@nestjs/common';
import { accessOf } from '../access/authorize.js';
import { AuthError, ConfigurationError } from '../errors/auth.errors.js';
import type { Offer } from '../errors/challenge.js';
import { refusalFor } from '../errors/refusal.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { metadataUrlFor } from '../options/resource.js';
import { methodsOf } from '../policy/handlers.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import { httpExceptionFor } from '../transport/http.transport.js';
import { findTransport } from '../transport/transports.js';
import { isEventHandler } from './rpc/message-patterns.js';

/** The number of reasons that are tracked, so that an outage is logged once in a while and not for every request. */
const MAX_REASONS = 50;
const REPEAT_AFTER_MS = 60_000;

export class Refusals {
  readonly #said = new Map<string, { at: number; since: number }>();

  constructor(private readonly log: Logger) {}

  /**
   * @param place controller and handler, for the log
   * @param offer what the caller could present instead; called only if a challenge needs it
   * @returns the exception to throw
   */
  refuse(error: unknown, host: ArgumentsHost, place: string, offer: () => Offer): Error {
    this.#report(error, place, isUnanswered(host));
    const refusal = refusalFor(error, offer);
    const transport = findTransport(host);
    // For a context of an unknown type, it is only known that Nest turns an HttpException into an error.
    if (!transport) return httpExceptionFor(refusal);
    return transport.refuse(host, refusal);
  }

  /**
   * Logs an invalid token at `debug`, because it is routine. Logs faults of this server and of its dependencies as errors or
   * warnings for the operator, and also rejected events, because their sender gets no response.
   */
  #report(error: unknown, place: string, unanswered: boolean): void {
    if (!(error instanceof AuthError)) {
      const stack = error instanceof Error ? error.stack : undefined;
      this.log.error(`${place}: rejected because of an internal error`, stack);
      return;
    }
    // The detail of an error is created when it is first read, so it is not read without need.
    if (error.status !== 500 && Logger.isLevelEnabled('debug'))
      this.log.debug(`${place}: ${error.status} ${error.code}: ${error.detail ?? error.message}`);
    if (error.status < 500) {
      if (unanswered) this.#reportEvent(error, place);
      return;
    }
    const reason = error.detail ?? error.message;
    if (!this.#news(reason)) return;
    const line = `${place}: rejected: ${reason}`;
    if (error.status !== 500) return this.log.warn(line);
    // Its cause is what a function of the application has thrown. Those of other errors can contain a provider's response.
    const { cause } = error;
    if (error instanceof ConfigurationError && cause instanceof Error) this.log.error(line, cause.stack);
    else this.log.error(line);
  }

  #reportEvent(error: AuthError, place: string): void {
    const news = this.#news(`${place} ${error.reason}`);
    if (!news) return;
    const more = news.since === 0 ? '' : ` (and ${news.since} more since this was last logged)`;
    this.log.warn(
      `${place}: rejected an event: ${error.status} ${error.code}: ${error.detail ?? error.message}${more}`,
    );
  }

  /** Returns `undefined` for a reason that was logged recently; otherwise how often it has occurred since it was last logged. */
  #news(reason: string): { readonly since: number } | undefined {
    const now = performance.now();
    const said = this.#said.get(reason);
    if (said && now - said.at < REPEAT_AFTER_MS) {
      said.since += 1;
      return undefined;
    }
    if (this.#said.size >= MAX_REASONS) this.#said.clear();
    this.#said.set(reason, { at: now, since: 0 });
    return { since: said?.since ?? 0 };
  }
}

/** Whether the handler may be one for events, which sends no response. An exception filter does not know the handler. */
function isUnanswered(host: ArgumentsHost): boolean {
  if (host.getType<string>() !== 'rpc') return false;
  const handler: unknown = (host as Partial<ExecutionContext>).getHandler?.();
  return typeof handler !== 'function' || isEventHandler(handler);
}

/** Returns what a rejected caller could present instead, according to the options and the requirements of the route. */
export function offerFor(
  options: ResolvedOptions,
  policy?: Pick<RoutePolicy, 'dpopBound' | 'requirements' | 'audience'>,
  presented?: Offer['presented'],
): Offer {
  const { dpop, offersDPoP } = options;
  const dpopRequired = policy?.dpopBound === true || dpop.mode === 'required';
  const schemes: Offer['schemes'] = dpopRequired ? ['DPoP'] : offersDPoP ? ['Bearer', 'DPoP'] : ['Bearer'];
  const scopes = policy ? accessOf(policy).scopes : [];
  return {
    schemes,
    presented,
    algs: options.proofAlgorithms.join(' '),
    scopes,
    resourceMetadata: metadataUrlFor(options, policy?.audience),
  };
}

/** Returns controller and handler, as logs and events name them. */
export function routeOf(context: ExecutionContext): string {
  const [controller, handler] = [context.getClass(), context.getHandler()];
  // Some decorators replace the method with an unnamed function, for example `@GrpcStreamMethod()`.
  const name = handler.name || String(methodsOf(controller, handler)[0] ?? '');
  return `${controller.name}.${name}`;
}
