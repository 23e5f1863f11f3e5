/** Which scopes and groups does a token hold? RFC 8693 section 4.2, RFC 9068 section 2.2.3, and what providers really send. */
import { LRUCache } from 'lru-cache';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import { isObject } from '../jose/strict-json.js';
import type { ValidatedToken } from '../token/validated-token.js';
import { claimAt } from './claim-path.js';

/** `scope` and `scp`, each a string of scopes between spaces, or a list of such strings. */
export function scopesOf(token: Pick<ValidatedToken, 'claims' | 'scopes'>): ReadonlySet<string> {
  return (token.scopes ??= shareScopes(token.claims));
}

/** Most tokens have the scopes of others, and thousands are remembered or stand behind open connections. Nobody else gets the set. */
const known = new LRUCache<string, ReadonlySet<string>>({ max: 500 });
const MAX_SHARED_LENGTH = 512;

function shareScopes(claims: AccessTokenClaims): ReadonlySet<string> {
  const { scope, scp } = claims as { readonly scope?: unknown; readonly scp?: unknown };
  if (typeof scope !== 'string' || scp !== undefined || scope.length > MAX_SHARED_LENGTH)
    return readScopes(claims);
  let scopes = known.get(scope);
  if (!scopes) known.set(scope, (scopes = readScopes(claims)));
  return scopes;
}

function readScopes({ scope, scp }: AccessTokenClaims): ReadonlySet<string> {
  const scopes = new Set<string>();
  addScopes(scopes, scope);
  addScopes(scopes, scp);
  return scopes;
}

function addScopes(scopes: Set<string>, claim: unknown): void {
  const named: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  for (const each of named) {
    // No scope has a space in it (RFC 6749 section 3.3), so that a list may hold strings of several.
    if (typeof each !== 'string') continue;
    for (const scope of each.split(' ')) if (scope !== '') scopes.add(scope);
  }
}

/**
 * A list of strings, one string (never split: a group may have a comma in its name), a list of objects that carry a `name`
 * or an `id`, or an object of objects, whose keys are the groups (Zitadel).
 *
 * @param path as {@link claimAt} reads it
 */
export function groupsOf(token: ValidatedToken, path: string): ReadonlySet<string> {
  const groups = (token.groups ??= new Map<string, ReadonlySet<string>>());
  let held = groups.get(path);
  if (!held) groups.set(path, (held = new Set(readGroups(claimAt(token.claims, path)))));
  return held;
}

function readGroups(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return [claim];
  if (Array.isArray(claim)) return claim.flatMap(namesOf);
  if (!isObject(claim)) return [];
  // `{ "admin": { "<organization>": "<domain>" } }`. Of other objects (`{ "admin": false }`) nothing can be read.
  const isRole = (value: unknown): boolean => isObject(value) && Object.keys(value).length > 0;
  return Object.values(claim).every(isRole) ? Object.keys(claim) : [];
}

/** The provider left the groups out because they are too many (Microsoft Entra's overage). */
export function hasGroupsElsewhere(claims: AccessTokenClaims): boolean {
  return 'hasgroups' in claims || claimAt(claims, '_claim_names.groups') !== undefined;
}

function namesOf(group: unknown): readonly string[] {
  if (typeof group === 'string') return [group];
  if (!isObject(group)) return [];
  const { name, id } = group;
  return [name, id].filter((each) => typeof each === 'string');
}
