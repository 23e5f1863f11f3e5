/** One hostile request: what is sent, and what must come back. */
import type { AttackContext } from './attack-context.js';
import type { Shot } from './attack-target.js';

export interface AttackRow {
  readonly name: string;
  /** In this order; the answer to the last one counts. */
  readonly shots: (scene: AttackContext) => readonly Shot[];
  /** 401: no good token. 400: more than one way of sending it (RFC 6750 section 3.1). 403: good, but not enough. */
  readonly status: 400 | 401 | 403;
  /** As good as no token at all: where a token is optional, that is no attack. */
  readonly anonymous?: true;
  /** Only for routes whose good token holds scopes or groups. */
  readonly forGrants?: true;
  /** For routes that require DPoP-bound tokens. */
  readonly dpop?: true;
  /** The token is in the URL, which messages do not have. */
  readonly inUrl?: true;
  /** Sent first: if that is not refused with 401, no guarded handler is there to be attacked. */
  readonly probe?: (scene: AttackContext) => Shot;
}
