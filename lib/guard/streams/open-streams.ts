/** Ends streams when their token ends: subscriptions, server-sent events and everything else that outlives a request. */
import { Inject, Injectable, Optional, type OnModuleDestroy } from '@nestjs/common';
import { invalidToken, type AuthError } from '../../errors/auth.errors.js';
import { KnownRevocations, revokedError } from '../../revocation/known-revocations.js';
import { RESOLVED_OPTIONS } from '../../options/resolved-options.token.js';
import { Expirations, type Expiring } from '../../timing/expirations.js';
import type { AccessTokenClaims } from '../../token/access-token-claims.js';
import { trueTime, type ClaimsOptions } from '../../token/check-claims.js';
import { outsideRequests } from '../../timing/outside-requests.js';

/** A stream or connection that may stay open while its token is valid. */
export interface OpenStream extends Expiring {
  /** The issuer, as configured. */
  readonly issuer: string;
  readonly claims: AccessTokenClaims;
  /** The clock tolerance of the issuer, in seconds. @default that of the module */
  readonly clockTolerance?: number | undefined;
  /** Called at most once, and not after {@link OpenStreams.close}. */
  end(error: AuthError): void;
}

/** Revocations within this time are handled together, because every open stream is checked. In milliseconds. */
const REVOCATIONS_MS = 200;

/** One instance for each module. */
@Injectable()
export class OpenStreams implements OnModuleDestroy {
  readonly #open: Expirations<OpenStream>;
  #revoked: NodeJS.Timeout | undefined;

  constructor(
    @Inject(RESOLVED_OPTIONS)
    private readonly options: Pick<ClaimsOptions, 'clockSkew' | 'clockTolerance'>,
    @Optional() @Inject(KnownRevocations) private readonly revocations?: KnownRevocations,
  ) {
    this.#open = new Expirations(
      (stream) => stream.end(invalidToken('expired', 'the token of an open stream expired')),
      () => trueTime(options),
    );
    revocations?.onLearned(() => this.#endRevokedSoon());
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Ends the stream at `exp` + `clockTolerance`, when a call with the token would be rejected too, at most a second late.
   * Without `exp` (an introspection response may have none), only {@link OpenStreams.endAll} ends it.
   */
  open(stream: OpenStream): void {
    const { exp } = stream.claims as { readonly exp?: number };
    const { clockTolerance = this.options.clockTolerance } = stream;
    this.#open.add(stream, exp === undefined ? Infinity : exp + clockTolerance);
    // The token may have been revoked after it was checked.
    if (this.revocations?.covers(stream.claims) === true) this.#endRevokedSoon();
  }

  /** Removes a stream that has ended by itself. */
  close(stream: OpenStream): void {
    this.#open.remove(stream);
  }

  /** Ends the streams that `isOver` selects. */
  endAll(isOver: (stream: OpenStream) => boolean, error: AuthError): void {
    // Ending one stream may close another.
    for (const stream of this.#open.items) if (isOver(stream) && this.#open.remove(stream)) stream.end(error);
  }

  /** Stops the timers: streams that are still open end with the application. */
  onModuleDestroy(): void {
    this.#open.stop();
    clearTimeout(this.#revoked);
  }

  #endRevokedSoon(): void {
    if (this.#open.size === 0) return;
    const endRevoked = (): void => {
      this.#revoked = undefined;
      this.endAll(({ claims }) => this.revocations?.covers(claims) === true, revokedError());
    };
    this.#revoked ??= outsideRequests(() => setTimeout(endRevoked, REVOCATIONS_MS).unref());
  }
}
