/** Refuses a call: tells the operator's log, sets the answer's headers, and makes the exception that Nest answers with. */
import { Logger, type ArgumentsHost, type ExecutionContext } from '@nestjs/common';
import { accessOf } from '../access/authorize.js';
import { AuthError } from '../errors/auth.errors.js';
import type { Offer } from '../errors/challenge.js';
import { refusalFor } from '../errors/refusal.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import { httpExceptionFor } from '../transport/http.transport.js';
import { findTransport } from '../transport/transports.js';

/** Reasons remembered, so that an outage is logged once in a while and not once a request. */
const MAX_REASONS = 50;
const REPEAT_AFTER_MS = 60_000;

export class Refusals {
  readonly #saidAt = new Map<string, number>();

  constructor(private readonly log: Logger) {}

  /**
   * @param place controller and handler, as logs name it
   * @param offer what the caller could present instead; asked only where a challenge needs it
   * @returns what to throw
   */
  refuse(error: unknown, host: ArgumentsHost, place: string, offer: () => Offer): Error {
    this.#report(error, place);
    const refusal = refusalFor(error, offer);
    const transport = findTransport(host);
    // Of an unknown kind of context nothing is known but that Nest turns an HttpException into an error.
    if (!transport) return httpExceptionFor(refusal);
    return transport.refuse(host, refusal);
  }

  /** A bad token is everyday business: `debug`. A fault of this server, or of what it depends on, is the operator's. */
  #report(error: unknown, place: string): void {
    if (!(error instanceof AuthError)) {
      const stack = error instanceof Error ? error.stack : undefined;
      this.log.error(`${place}: refused because of an internal error`, stack);
      return;
    }
    // A reason is put into words when it is read.
    if (error.status !== 500 && Logger.isLevelEnabled('debug'))
      this.log.debug(`${place}: ${error.status} ${error.code}: ${error.detail ?? error.message}`);
    if (error.status < 500) return;
    const reason = error.detail ?? error.message;
    if (this.#isNews(reason))
      this.log[error.status === 500 ? 'error' : 'warn'](`${place}: refused: ${reason}`);
  }

  #isNews(reason: string): boolean {
    const now = performance.now();
    const saidAt = this.#saidAt.get(reason);
    if (saidAt !== undefined && now - saidAt < REPEAT_AFTER_MS) return false;
    if (this.#saidAt.size >= MAX_REASONS) this.#saidAt.clear();
    this.#saidAt.set(reason, now);
    return true;
  }
}

/** What a refused caller could present instead, by the options and by what the route requires. */
export function offerFor(
  { dpop, offersDPoP, proofAlgorithms, resourceMetadataUrl: resourceMetadata }: ResolvedOptions,
  policy?: Pick<RoutePolicy, 'dpopBound' | 'requirements'>,
  presented?: Offer['presented'],
): Offer {
  const dpopRequired = policy?.dpopBound === true || dpop.mode === 'required';
  const schemes: Offer['schemes'] = dpopRequired ? ['DPoP'] : offersDPoP ? ['Bearer', 'DPoP'] : ['Bearer'];
  const scopes = policy ? accessOf(policy).scopes : [];
  return { schemes, presented, algs: proofAlgorithms.join(' '), scopes, resourceMetadata };
}

/** Controller and handler, as logs and events name them. */
export function routeOf(context: ExecutionContext): string {
  return `${context.getClass().name}.${context.getHandler().name}`;
}
