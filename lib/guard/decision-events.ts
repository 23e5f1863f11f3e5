/** Who wants to know of each decision? Nobody, most of the time: then nothing is made for it. */
import { channel } from 'node:diagnostics_channel';
import type { ExecutionContext } from '@nestjs/common';
import { routeOf } from './refusals.js';
import { AuthError } from '../errors/auth.errors.js';

/** The `diagnostics_channel` that every decision of the guard is published on. */
export const DECISION_CHANNEL = 'nestjs-resource-server:decision';

/**
 * One decision of the guard. Every member has few values, none comes from the request: they may all be labels of a
 * metric. No token, no claim, no address.
 */
export interface DecisionEvent {
  readonly outcome: 'allowed' | 'refused';
  /**
   * `public`: no token was looked at; `anonymous`: none was sent, and none is needed; `token`: it is good and enough.
   * Refused: the {@link AuthError.reason}, or `internal_error`.
   */
  readonly reason: string;
  /** The HTTP status of a refusal; `undefined` where the handler ran. */
  readonly status: number | undefined;
  /** Controller and handler: `ProductsController.list`. */
  readonly route: string;
  /** The issuer, as configured. */
  readonly issuer: string;
  /** How the token was sent, as far as the guard came. */
  readonly scheme: 'Bearer' | 'DPoP' | undefined;
  /** Seconds. */
  readonly duration: number;
}

const decisions = channel(DECISION_CHANNEL);

/** When a decision begins, in milliseconds; `undefined` if nobody listens. */
export function beginDecision(): number | undefined {
  return decisions.hasSubscribers ? performance.now() : undefined;
}

export interface Decided {
  readonly beganAt: number | undefined;
  readonly presented: DecisionEvent['scheme'];
  readonly issuer: string;
}

export function publishAllowed(
  context: ExecutionContext,
  decided: Decided,
  reason: 'public' | 'anonymous' | 'token',
): void {
  if (decided.beganAt !== undefined)
    publish(context, decided, { outcome: 'allowed', reason, status: undefined });
}

export function publishRefused(context: ExecutionContext, decided: Decided, error: unknown): void {
  if (decided.beganAt === undefined) return;
  const { reason, status } = error instanceof AuthError ? error : { reason: 'internal_error', status: 500 };
  publish(context, decided, { outcome: 'refused', reason, status });
}

function publish(
  context: ExecutionContext,
  { beganAt = 0, presented, issuer }: Decided,
  verdict: Pick<DecisionEvent, 'outcome' | 'reason' | 'status'>,
): void {
  const duration = (performance.now() - beganAt) / 1000;
  decisions.publish({
    ...verdict,
    route: routeOf(context),
    issuer,
    scheme: presented,
    duration,
  } satisfies DecisionEvent);
}
