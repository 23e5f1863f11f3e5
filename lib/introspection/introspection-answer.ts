/** What an introspection answer says, apart from the ways in which providers write it. RFC 7662 section 2.2. */
import { decodeJwt, isJwt } from '../jose/decode-jwt.js';

/** An answer as the provider gave it, without members that are null. */
export interface IntrospectionAnswer {
  /** Of the provider's access tokens. */
  readonly issuer: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** RFC 7662 section 2.2; not `aud`: an answer that names nobody is not one for this API. */
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

/** Providers that write every member write null for what they do not know. */
export function withoutNulls(claims: Record<string, unknown>): Record<string, unknown> {
  const absent = OPTIONAL_MEMBERS.filter((name) => claims[name] === null);
  if (absent.length === 0) return claims;
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !absent.some((each) => each === name)));
}

/** The `iss` of a JWT, which nobody has vouched for; `undefined` for any other token, and for a JWT without one. */
export function claimedIssuerOf(token: string): string | undefined {
  if (!isJwt(token)) return undefined;
  try {
    const { iss } = decodeJwt(token).claims;
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    // Three parts that are no JWT: the provider knows what it is.
    return undefined;
  }
}

/**
 * With the binding of the token itself, where the answer has none: providers may leave it out (RFC 9449 section 6.2 and
 * RFC 8705 section 3.2 let them), and the token must not pass for an unbound one then.
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
    // Three parts that are no JWT: the provider knows what it is.
    return claims;
  }
}
