/** The application's say in which issuer an opaque token is of. */
import type { IncomingRequest } from '../credentials/incoming-request.js';

/**
 * The name of the issuer, or the issuer, that an opaque token is of; `undefined`: of none, 401. What it throws is
 * answered with 500.
 *
 * @param request `undefined` where a token is validated without one, by `TokenValidationService`
 */
export type OpaqueTokenIssuer = (
  token: string,
  request: IncomingRequest | undefined,
) => string | undefined | null | Promise<string | undefined | null>;
