/** A token that was found good: remembered, and shared by all requests that present it. */
import type { TrustedIssuer } from '../issuer/trusted-issuer.js';
import type { AccessTokenClaims } from './access-token-claims.js';

/** The claims never change: what others read from them is kept beside them, made by who asks first. */
export class ValidatedToken {
  /** See access/grants.ts. */
  scopes: ReadonlySet<string> | undefined;
  /** By path; see access/grants.ts. */
  groups: Map<string, ReadonlySet<string>> | undefined;
  /** The requirement that it was last found to meet; see access/authorize.ts. */
  met: object | undefined;

  constructor(
    readonly token: string,
    readonly claims: AccessTokenClaims,
    /** Whose token it is: the one that vouched for it. */
    readonly issuer: TrustedIssuer,
  ) {}
}
