/** Refuses a call: tells the operator's log, sets the answer's headers, and makes the exception that Nest answers with. */
import { Logger, type ArgumentsHost, type ExecutionContext } from '@nestjs/common';
import { accessOf } from '../access/authorize.js';
import { AuthError } from '../errors/auth.errors.js';
import type { Offer } from '../errors/challenge.js';
import { refusalFor } from '../errors/refusal.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { metadataUrlFor } from '../options/resource.js';
import { methodsOf } from '../policy/handlers.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import { httpExceptionFor } from '../transport/http.transport.js';
import { findTransport } from '../transport/transports.js';
import { isEventHandler } from './rpc/message-patterns.js';

/** Reasons remembered, so that an outage is logged once in a while and not once a request. */
const MAX_REASONS = 50;
const REPEAT_AFTER_MS = 60_000;

export class Refusals {
  readonly #said = new Map<string, { at: number; since: number }>();

  constructor(private readonly log: Logger) {}

  /**
   * @param place controller and handler, as logs name it
   * @param offer what the caller could present instead; asked only where a challenge needs it
   * @returns what to throw
   */
  refuse(error: unknown, host: ArgumentsHost, place: string, offer: () => Offer): Error {
    this.#report(error, place, isUnanswered(host));
    const refusal = refusalFor(error, offer);
    const transport = findTransport(host);
    // Of an unknown kind of context nothing is known but that Nest turns an HttpException into an error.
    if (!transport) return httpExceptionFor(refusal);
    return transport.refuse(host, refusal);
  }

  /**
   * A bad token is everyday business: `debug`. A fault of this server, or of what it depends on, is the operator's; so is an
   * event, whose sender hears of nothing.
   */
  #report(error: unknown, place: string, unanswered: boolean): void {
    if (!(error instanceof AuthError)) {
      const stack = error instanceof Error ? error.stack : undefined;
      this.log.error(`${place}: rejected because of an internal error`, stack);
      return;
    }
    // A reason is put into words when it is read.
    if (error.status !== 500 && Logger.isLevelEnabled('debug'))
      this.log.debug(`${place}: ${error.status} ${error.code}: ${error.detail ?? error.message}`);
    if (error.status < 500) {
      if (unanswered) this.#reportEvent(error, place);
      return;
    }
    const reason = error.detail ?? error.message;
    if (this.#news(reason))
      this.log[error.status === 500 ? 'error' : 'warn'](`${place}: rejected: ${reason}`);
  }

  #reportEvent(error: AuthError, place: string): void {
    const news = this.#news(`${place} ${error.reason}`);
    if (!news) return;
    const more = news.since === 0 ? '' : ` (and ${news.since} more since this was last logged)`;
    this.log.warn(
      `${place}: rejected an event: ${error.status} ${error.code}: ${error.detail ?? error.message}${more}`,
    );
  }

  /** `undefined` for what was logged lately; else how often it has come since then. */
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

/** Handlers that answer nobody. Of an error that leaves a handler it is not known which kind of handler it was. */
function isUnanswered(host: ArgumentsHost): boolean {
  if (host.getType<string>() !== 'rpc') return false;
  const handler: unknown = (host as Partial<ExecutionContext>).getHandler?.();
  return typeof handler !== 'function' || isEventHandler(handler);
}

/** What a refused caller could present instead, by the options and by what the route requires. */
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

/** Controller and handler, as logs and events name them. */
export function routeOf(context: ExecutionContext): string {
  const [controller, handler] = [context.getClass(), context.getHandler()];
  // Decorators put functions without a name in a method's place: that of `@GrpcStreamMethod()`.
  const name = handler.name || String(methodsOf(controller, handler)[0] ?? '');
  return `${controller.name}.${name}`;
}
