/** Publishes every decision of the guard on a diagnostics channel. Without subscribers, this costs nothing. */
import { channel } from 'node:diagnostics_channel';
import type { ExecutionContext } from '@nestjs/common';
import { AuthError } from '../errors/auth.errors.js';
import { routeOf } from './refusals.js';

/** The `diagnostics_channel` that every decision of the guard is published on. */
export const DECISION_CHANNEL = 'nestjs-resource-server:decision';

/**
 * One decision of the guard. Every member has few possible values, and none comes from the request: each can be a label of a
 * metric. No member contains a token, a claim or an address.
 */
export interface DecisionEvent {
  readonly outcome: 'allowed' | 'refused';
  /**
   * Allowed: `public` (no token was read), `anonymous` (no token was sent, and none is required) or `token` (the token is valid and
   * sufficient). Refused: the {@link AuthError.reason}, or `internal_error`.
   */
  readonly reason: string;
  /** The HTTP status of a rejection; `undefined` if the call was allowed. */
  readonly status: number | undefined;
  /** Controller and handler: `ProductsController.list`. */
  readonly route: string;
  /** The type of the call: `http`, or the value of `ExecutionContext.getType()`. */
  readonly transport: string;
  /**
   * The configured name of the issuer; with several, that of the token's issuer. `undefined` if the call was decided before the
   * issuer was known.
   */
  readonly issuer: string | undefined;
  /** The scheme of the token; `undefined` if the call was decided before it was known. */
  readonly scheme: 'Bearer' | 'DPoP' | undefined;
  /** The duration of the decision, in seconds. */
  readonly duration: number;
}

const decisions = channel(DECISION_CHANNEL);

/** Measures one decision and publishes its event. */
export class Decision {
  readonly #beganAt = decisions.hasSubscribers ? performance.now() : undefined;
  /** The scheme of the token, once it is known. */
  scheme: DecisionEvent['scheme'];

  constructor(
    private readonly context: ExecutionContext,
    /** The name of the issuer, once it is known. */
    public issuer: string | undefined,
  ) {}

  allow(reason: 'public' | 'anonymous' | 'token'): true {
    if (this.#beganAt !== undefined) this.#publish(this.#beganAt, 'allowed', reason, undefined);
    return true;
  }

  refuse(error: unknown): void {
    if (this.#beganAt === undefined) return;
    if (error instanceof AuthError) this.issuer ??= error.issuer;
    const { reason, status } = error instanceof AuthError ? error : { reason: 'internal_error', status: 500 };
    this.#publish(this.#beganAt, 'refused', reason, status);
  }

  #publish(
    beganAt: number,
    outcome: DecisionEvent['outcome'],
    reason: string,
    status: number | undefined,
  ): void {
    decisions.publish({
      outcome,
      reason,
      status,
      route: routeOf(this.context),
      transport: this.context.getType<string>(),
      issuer: this.issuer,
      scheme: this.scheme,
      duration: (performance.now() - beganAt) / 1000,
    } satisfies DecisionEvent);
  }
}
