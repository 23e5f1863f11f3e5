/** Reads the scopes and groups of a token: RFC 8693 section 4.2, RFC 9068 section 2.2.3, and other formats of providers. */
import { LRUCache } from 'lru-cache';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import { isObject } from '../jose/strict-json.js';
import type { ValidatedToken } from '../token/validated-token.js';
import { claimAt } from './claim-path.js';

/** Returns the scopes in `scope` and `scp`, each a string of scopes separated by spaces, or a list of such strings. */
export function scopesOf(token: Pick<ValidatedToken, 'claims' | 'scopes'>): ReadonlySet<string> {
  return (token.scopes ??= shareScopes(token.claims));
}

/**
 * Tokens with the same `scope` share a set, because thousands of them are cached or belong to open connections. The
 * application cannot access the set.
 */
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
    // A scope contains no space (RFC 6749 section 3.3), so each string of a list may hold several scopes.
    if (typeof each !== 'string') continue;
    for (const scope of each.split(' ')) if (scope !== '') scopes.add(scope);
  }
}

/**
 * Returns the groups in a claim: a list of strings, one string (never split, because the name of a group may contain a comma),
 * a list of objects with a `name` or an `id`, or an object of objects, whose keys are the groups (Zitadel).
 *
 * @param path a path for {@link claimAt}
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
  // `{ "admin": { "<organization>": "<domain>" } }`. Other objects (`{ "admin": false }`) contain no groups.
  const isRole = (value: unknown): boolean => isObject(value) && Object.keys(value).length > 0;
  return Object.values(claim).every(isRole) ? Object.keys(claim) : [];
}

/** Returns whether the provider omitted the groups because there are too many (Microsoft Entra's overage). */
export function hasGroupsElsewhere(claims: AccessTokenClaims): boolean {
  return 'hasgroups' in claims || claimAt(claims, '_claim_names.groups') !== undefined;
}

function namesOf(group: unknown): readonly string[] {
  if (typeof group === 'string') return [group];
  if (!isObject(group)) return [];
  const { name, id } = group;
  return [name, id].filter((each) => typeof each === 'string');
}
