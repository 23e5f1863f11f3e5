/** Receives logout tokens. OpenID Connect Back-Channel Logout 1.0 sections 2.5 and 2.8. */
import { Inject, Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { LogoutTokens } from '../revocation/logout-token.js';
import { isUnavailable, malformed, ReceivedTokenError } from '../revocation/received-token.js';
import { publishReceivedEvent, type ReceivedEvent } from '../revocation/revocation-events.js';
import { whenAdapterIsSet } from '../route-table/http-adapter.js';
import { OccasionalLog } from './occasional-log.js';
import { servePost, type PostAnswer, type Posted } from './posted-body.js';

const FORM = 'application/x-www-form-urlencoded';

@Injectable()
export class BackChannelLogout {
  readonly #log = new OccasionalLog(new Logger('AuthModule'), 'back-channel logout');

  constructor(
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Inject(RESOLVED_OPTIONS) options: ResolvedOptions,
    @Inject(LogoutTokens) private readonly tokens: LogoutTokens,
  ) {
    const { backChannelLogout } = options;
    if (!backChannelLogout) return;
    // Registered before the routes of controllers, one of which may match every path.
    whenAdapterIsSet(host, () =>
      servePost(host, backChannelLogout.path, 'BackChannelLogout', (posted) => this.#answer(posted)),
    );
  }

  async #answer(posted: Posted): Promise<PostAnswer> {
    const [outcome, answer] = await this.#receive(posted);
    publishReceivedEvent({ receiver: 'backchannel_logout', type: 'logout', outcome });
    return answer;
  }

  async #receive(posted: Posted): Promise<[ReceivedEvent['outcome'], PostAnswer]> {
    try {
      const isNew = await this.tokens.receive(tokenIn(posted));
      if (isNew) return ['revoked', { status: 200 }];
      return ['repeated', refuse('The logout token was received before (jti)')];
    } catch (error) {
      if (error instanceof ReceivedTokenError) {
        this.#log.refused(error.detail);
        return ['refused', refuse(error.message)];
      }
      this.#log.failed(error);
      // Section 2.8 specifies 400 for every failure, but providers retry, if at all, only after a 5xx.
      if (isUnavailable(error)) return ['unavailable', { status: 503, headers: error.headers }];
      return ['unavailable', { status: 500 }];
    }
  }
}

/** @throws {ReceivedTokenError} unless the body is a form with one logout token */
function tokenIn({ contentType, body }: Posted): string {
  if (contentType !== FORM) throw malformed(`The content type is not ${FORM}`);
  if (body === undefined) throw malformed('The body is too large, or incomplete');
  const [token, ...more] = new URLSearchParams(body).getAll('logout_token');
  if (token === undefined || token === '') throw malformed('The parameter logout_token is missing');
  if (more.length > 0) throw malformed('The parameter logout_token is repeated');
  return token;
}

function refuse(description: string): PostAnswer {
  return { status: 400, body: { error: 'invalid_request', error_description: description } };
}
