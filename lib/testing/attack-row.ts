/** The type of an attack: its requests, and the expected response. */
import type { AttackContext } from './attack-context.js';
import type { Shot } from './attack-target.js';

export interface AttackRow {
  readonly name: string;
  /** Sent in this order; the response to the last one is checked. */
  readonly shots: (scene: AttackContext) => readonly Shot[];
  /** 401: no valid token. 400: a token sent in more than one way (RFC 6750 section 3.1). 403: valid, but insufficient. */
  readonly status: 400 | 401 | 403;
  /** Equivalent to a request without a token, so not an attack on a route where the token is optional. */
  readonly anonymous?: true;
  /** Only for routes whose valid token has scopes or groups. */
  readonly forGrants?: true;
  /** Only for routes that require DPoP-bound tokens. */
  readonly dpop?: true;
  /** The token is in the URL, which messages do not have. */
  readonly inUrl?: true;
  /** Sent first. If the response is not 401, there is no guarded handler to attack. */
  readonly probe?: (scene: AttackContext) => Shot;
}
