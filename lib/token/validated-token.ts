/** Represents a validated token, which is cached and shared by all requests that present it. */
import type { TrustedIssuer } from '../issuer/trusted-issuer.js';
import type { AccessTokenClaims } from './access-token-claims.js';

/** The claims never change, so results that are derived from them are stored here on first use. */
export class ValidatedToken {
  /** See access/grants.ts. */
  scopes: ReadonlySet<string> | undefined;
  /** By path; see access/grants.ts. */
  groups: Map<string, ReadonlySet<string>> | undefined;
  /** The last policy that the token was found to satisfy; see access/authorize.ts. */
  met: object | undefined;

  constructor(
    readonly token: string,
    readonly claims: AccessTokenClaims,
    /** The issuer of the token, which the signature or the introspection response confirms. */
    readonly issuer: TrustedIssuer,
  ) {}
}
