/** Defines the claims of a validated access token. RFC 7519 section 4.1, RFC 9068 section 2.2, RFC 7662 section 2.2. */
import { LRUCache } from 'lru-cache';
import type { CustomClaims } from './custom-claims.js';

/**
 * The claims of a validated token, including those that an application declares in {@link CustomClaims}.
 *
 * Optional claims can be absent from a valid token. A JWT always has `aud` and `exp`, and with the option `requireAccessTokenType`
 * also `sub`, `client_id`, `iat` and `jti` (RFC 9068 section 2.2); an introspection response may have none of them (RFC 7662
 * section 2.2).
 */
export interface AccessTokenClaims extends Readonly<CustomClaims> {
  /** The issuer. If an introspection response has none, the issuer that was called. */
  readonly iss: string;
  /** The user, or the client if no user is involved. */
  readonly sub?: string;
  /** The audience; contains the configured audience. Absent only with `allowMissingAudience`. */
  readonly aud?: string | readonly string[];
  /** The time of expiry, in seconds since 1970. Absent only in introspection responses. */
  readonly exp?: number;
  /** The time of issuance, in seconds since 1970. */
  readonly iat?: number;
  /** The time before which the token is not valid, in seconds since 1970. */
  readonly nbf?: number;
  /** Scopes, separated by spaces. Some providers use `scp`, or a list: `@Scopes()` reads all of these. */
  readonly scope?: string;
  readonly client_id?: string;
  readonly jti?: string;
  /** The binding of the token (RFC 7800): `x5t#S256` for a certificate, `jkt` for a DPoP key. */
  readonly cnf?: Confirmation;
  /** Everything else that the issuer says. */
  readonly [claim: string]: unknown;
}

/** The confirmation claim `cnf` (RFC 7800). The module ignores other members. */
export interface Confirmation {
  /** SHA-256 of the client certificate's DER encoding, in base64url (RFC 8705 section 3.1). */
  readonly 'x5t#S256'?: string;
  /** SHA-256 thumbprint of the client's DPoP key (RFC 9449 section 6.1). */
  readonly jkt?: string;
  readonly [member: string]: unknown;
}

/** Freezes the claims. All requests that present the token share them, so no request may change them for the next one. */
export function freezeClaims(claims: Record<string, unknown>): AccessTokenClaims {
  shareStrings(claims);
  freezeDeeply(claims);
  return claims as AccessTokenClaims;
}

/** Claims with the same value in most tokens. Thousands of tokens are cached or belong to open connections: they share it. */
const COMMON = ['iss', 'aud', 'client_id', 'azp', 'scope'] as const;
const strings = new LRUCache<string, string>({ max: 1000 });
const MAX_SHARED_LENGTH = 256;

function shareStrings(claims: Record<string, unknown>): void {
  for (const name of COMMON) {
    const value = claims[name];
    if (typeof value !== 'string' || value.length > MAX_SHARED_LENGTH) continue;
    const known = strings.get(value);
    if (known === undefined) strings.set(value, value);
    else claims[name] = known;
  }
}

function freezeDeeply(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const name in value) freezeDeeply((value as Record<string, unknown>)[name]);
}
