/** Defines revocations, which reject tokens that are otherwise valid. They are plain JSON, so that instances can share them. */
import { withoutSlash } from '../issuer/issuer-metadata.js';
import { isObject } from '../jose/strict-json.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';

/** The claims of the tokens that a revocation rejects. All members must match; there is at least one. */
export interface RevocationMatch {
  readonly sub?: string | undefined;
  /** The session at the issuer (OpenID Connect Back-Channel Logout 1.0 section 2.1). */
  readonly sid?: string | undefined;
  readonly jti?: string | undefined;
  /** The claim `client_id`, or `azp`, `cid` or `appid` of providers that write these. */
  readonly clientId?: string | undefined;
  /** The claim `email`, compared character by character. */
  readonly email?: string | undefined;
}

/** One revocation, as plain JSON: what a {@link RevocationStore} stores. */
export interface Revocation {
  /** The unique identifier of the revocation: a store accepts each `id` once. */
  readonly id: string;
  /** The `iss` of the tokens, except for a trailing slash. If absent, the revocation applies to all issuers. */
  readonly issuer?: string | undefined;
  readonly match: RevocationMatch;
  /** The revocation applies only to tokens without `sid`; together with `match.sid`, also to tokens without `sid`. */
  readonly withoutSid?: boolean | undefined;
  /**
   * Tokens that were issued at or before this time, and tokens without `iat`, are rejected. In seconds since 1970.
   */
  readonly before: number;
  /** The revocation is stored until this time, when the tokens have expired. In seconds since 1970. */
  readonly until: number;
}

export type MatchKind = keyof RevocationMatch;

/** The claims that each member of `match` is compared with; one of them must be equal. The narrowest comes first. */
export const MATCHED_CLAIMS: Readonly<Record<MatchKind, readonly string[]>> = {
  jti: ['jti'],
  sid: ['sid'],
  sub: ['sub'],
  email: ['email'],
  clientId: ['client_id', 'azp', 'cid', 'appid'],
};
export const MATCH_KINDS = Object.keys(MATCHED_CLAIMS) as readonly MatchKind[];

/** Returns the member that the revocation is indexed by. Not `sid` if the revocation also applies to tokens without `sid`. */
export function leadingKind({ match, withoutSid }: Revocation): MatchKind | undefined {
  return MATCH_KINDS.find((kind) => match[kind] !== undefined && !(kind === 'sid' && withoutSid === true));
}

/** Whether the revocation rejects the token. Does not check `until`. */
export function covers(revocation: Revocation, claims: AccessTokenClaims): boolean {
  const { issuer, match, withoutSid = false, before } = revocation;
  if (issuer !== undefined && withoutSlash(issuer) !== withoutSlash(claims.iss)) return false;
  const { iat, sid } = claims;
  if (typeof iat === 'number' && iat > before) return false;
  const hasSid = typeof sid === 'string' && sid !== '';
  if (withoutSid && hasSid && match.sid === undefined) return false;
  return MATCH_KINDS.every((kind) => {
    const wanted = match[kind];
    if (wanted === undefined) return true;
    if (kind === 'sid' && withoutSid && !hasSid) return true;
    return MATCHED_CLAIMS[kind].some((claim) => claims[claim] === wanted);
  });
}

/** Whether both apply to the same tokens, apart from their times. */
export function isSameTarget(one: Revocation, other: Revocation): boolean {
  return (
    one.issuer === other.issuer &&
    (one.withoutSid ?? false) === (other.withoutSid ?? false) &&
    MATCH_KINDS.every((kind) => one.match[kind] === other.match[kind])
  );
}

/**
 * Reads a revocation from a store; `undefined` if it is invalid. It is invalid without a claim to match, so that a damaged
 * entry never rejects all tokens.
 */
export function readRevocation(value: unknown): Revocation | undefined {
  if (!isObject(value) || !isObject(value['match'])) return undefined;
  const { id, issuer, match, withoutSid, before, until } = value;
  if (typeof id !== 'string' || id === '') return undefined;
  if (issuer !== undefined && typeof issuer !== 'string') return undefined;
  if (withoutSid !== undefined && typeof withoutSid !== 'boolean') return undefined;
  if (!isTime(before) || !isTime(until)) return undefined;
  const members = Object.entries(match as Record<string, unknown>).filter(
    ([, wanted]) => wanted !== undefined,
  );
  if (!members.every(([kind, wanted]) => isMatchKind(kind) && typeof wanted === 'string' && wanted !== ''))
    return undefined;
  const revocation: Revocation = Object.freeze({
    id,
    ...(issuer !== undefined && { issuer }),
    match: Object.freeze(Object.fromEntries(members)),
    ...(withoutSid === true && { withoutSid }),
    before,
    until,
  });
  return leadingKind(revocation) === undefined ? undefined : revocation;
}

/** 9999-12-31T23:59:59Z. Larger values are times in milliseconds. */
const LATEST_TIME = 253_402_300_799;

export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LATEST_TIME;
}

function isMatchKind(name: string): name is MatchKind {
  return Object.hasOwn(MATCHED_CLAIMS, name);
}
