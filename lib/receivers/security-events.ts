/** Receives Security Event Tokens that a transmitter pushes. RFC 8935 section 2. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { isUnavailable, malformed, ReceivedTokenError } from '../revocation/received-token.js';
import { publishReceivedEvent, type ReceivedEvent } from '../revocation/revocation-events.js';
import { SecurityEventTokens } from '../revocation/security-event-token.js';
import { whenAdapterIsSet } from '../route-table/http-adapter.js';
import { OccasionalLog } from './occasional-log.js';
import { servePost, type PostAnswer, type Posted } from './posted-body.js';

const SECURITY_EVENT = 'application/secevent+jwt';

@Injectable()
export class SecurityEvents {
  readonly #log = new OccasionalLog(new Logger('AuthModule'), 'security events');

  constructor(
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(SecurityEventTokens) private readonly tokens: SecurityEventTokens | null,
  ) {
    const { securityEvents } = options;
    if (!securityEvents) return;
    whenAdapterIsSet(host, () =>
      servePost(host, securityEvents.path, 'SecurityEvents', (posted) => this.#answer(posted)),
    );
  }

  async #answer(posted: Posted): Promise<PostAnswer> {
    const { securityEvents } = this.options;
    const expected = securityEvents?.authorizationHeader;
    if (expected !== undefined && !isEqual(posted.authorization ?? '', expected)) {
      this.#log.refused('the Authorization header differs');
      this.#publish('unknown', 'refused');
      const answer = refuse('authentication_failed', 'The Authorization header is not the expected one');
      return { ...answer, status: 401, headers: { ...answer.headers, 'WWW-Authenticate': 'Bearer' } };
    }
    return this.#receive(posted);
  }

  async #receive({ contentType, body }: Posted): Promise<PostAnswer> {
    try {
      if (contentType !== SECURITY_EVENT) throw malformed(`The content type is not ${SECURITY_EVENT}`);
      if (body === undefined) throw malformed('The body is too large, or incomplete');
      for (const { type, outcome, detail } of (await this.tokens?.receive(body)) ?? []) {
        this.#publish(type, outcome);
        if (detail !== undefined) this.#log.refused(detail);
      }
      return { status: 202 };
    } catch (error) {
      if (error instanceof ReceivedTokenError) {
        this.#log.refused(error.detail);
        this.#publish('unknown', 'refused');
        return refuse(error.code, error.message);
      }
      this.#log.failed(error);
      this.#publish('unknown', 'unavailable');
      return isUnavailable(error) ? { status: 503, headers: error.headers } : { status: 500 };
    }
  }

  #publish(type: string, outcome: ReceivedEvent['outcome']): void {
    publishReceivedEvent({ receiver: 'security_events', type, outcome });
  }
}

/** Section 2.3. */
function refuse(err: string, description: string): PostAnswer & { readonly headers: Record<string, string> } {
  return { status: 400, headers: { 'Content-Language': 'en' }, body: { err, description } };
}

/** Compares two values in constant time. */
function isEqual(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
