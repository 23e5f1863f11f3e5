/** Logs the results of received tokens: rejections at `debug`, failures of this application once a minute. */
import { Logger } from '@nestjs/common';
import { AuthError } from '../errors/auth.errors.js';

const REPEAT_AFTER_MS = 60_000;

export class OccasionalLog {
  #failedAt = -Infinity;

  /** @param receiver the beginning of each line */
  constructor(
    private readonly log: Logger,
    private readonly receiver: string,
  ) {}

  refused(reason: string): void {
    if (Logger.isLevelEnabled('debug')) this.log.debug(`${this.receiver}: ${reason}`);
  }

  failed(error: unknown): void {
    const now = performance.now();
    if (now - this.#failedAt < REPEAT_AFTER_MS) return;
    this.#failedAt = now;
    const reason = error instanceof AuthError ? (error.detail ?? error.message) : 'an unexpected error';
    this.log.warn(`${this.receiver}: not accepted now: ${reason}`);
  }
}
