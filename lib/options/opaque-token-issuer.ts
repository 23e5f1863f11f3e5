/** The type of the option `opaqueTokenIssuer`, which selects the issuer of an opaque token. */
import type { IncomingRequest } from '../credentials/incoming-request.js';

/**
 * Returns the issuer of an opaque token, or its name. `undefined`: the token is rejected with 401. An error results in 500.
 *
 * @param request `undefined` if `TokenValidationService` validates the token without a request
 */
export type OpaqueTokenIssuer = (
  token: string,
  request: IncomingRequest | undefined,
) => string | undefined | null | Promise<string | undefined | null>;
