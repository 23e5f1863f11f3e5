/** Normalizes introspection responses, which differ between providers. RFC 7662 section 2.2. */
import { decodeJwt, isJwt } from '../jose/decode-jwt.js';

/** The response of the provider, without optional members that are null. */
export interface IntrospectionAnswer {
  /** The expected `iss` of the provider's access tokens. */
  readonly issuer: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** RFC 7662 section 2.2. Without `aud`: a response whose `aud` is null is not intended for this API. */
const OPTIONAL_MEMBERS = [
  'scope',
  'client_id',
  'username',
  'token_type',
  'exp',
  'iat',
  'nbf',
  'sub',
  'iss',
  'jti',
] as const;

/** Removes optional members that are null: some providers write every member, and null for an unknown value. */
export function withoutNulls(claims: Record<string, unknown>): Record<string, unknown> {
  const absent = OPTIONAL_MEMBERS.filter((name) => claims[name] === null);
  if (absent.length === 0) return claims;
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !absent.some((each) => each === name)));
}

/** Returns the unverified `iss` of a JWT; `undefined` for any other token, and for a JWT without `iss`. */
export function claimedIssuerOf(token: string): string | undefined {
  if (!isJwt(token)) return undefined;
  try {
    const { iss } = decodeJwt(token).claims;
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    // The token has three parts but is not a JWT. The provider can still know it.
    return undefined;
  }
}

/**
 * Adds the `cnf` of the JWT itself if the response has none. Providers may omit it (RFC 9449 section 6.2 and RFC 8705
 * section 3.2 permit this), and the token must then not be accepted as an unbound one.
 */
export function withBindingOf(
  token: string,
  claims: IntrospectionAnswer['claims'],
): IntrospectionAnswer['claims'] {
  if (claims['cnf'] !== undefined || !isJwt(token)) return claims;
  try {
    const { cnf } = decodeJwt(token).claims;
    return cnf === undefined ? claims : { ...claims, cnf };
  } catch {
    // The token has three parts but is not a JWT. The provider can still know it.
    return claims;
  }
}
