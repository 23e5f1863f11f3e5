/** Which scopes and groups does a token hold? RFC 8693 section 4.2, RFC 9068 section 2.2.3, and what providers really send. */
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import type { ValidatedToken } from '../token/validated-token.js';

/** `scope` and `scp`, each a string of scopes between spaces or a list. */
export function scopesOf(token: ValidatedToken): ReadonlySet<string> {
  return (token.scopes ??= readScopes(token.claims));
}

function readScopes({ scope, scp }: AccessTokenClaims): ReadonlySet<string> {
  const scopes = new Set<string>();
  addScopes(scopes, scope);
  addScopes(scopes, scp);
  return scopes;
}

function addScopes(scopes: Set<string>, claim: unknown): void {
  const named: readonly unknown[] =
    typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  for (const scope of named) if (typeof scope === 'string' && scope !== '') scopes.add(scope);
}

/**
 * A list of strings, one string (never split: a group may have a comma in its name), or a list of objects that carry a
 * `name` or an `id`.
 *
 * @param path a claim's own name; failing that, a dotted path into objects
 */
export function groupsOf(token: ValidatedToken, path: string): ReadonlySet<string> {
  const groups = (token.groups ??= new Map<string, ReadonlySet<string>>());
  let held = groups.get(path);
  if (!held) groups.set(path, (held = readGroups(token.claims, path)));
  return held;
}

function readGroups(claims: AccessTokenClaims, path: string): ReadonlySet<string> {
  const claim = claimAt(claims, path);
  if (typeof claim === 'string') return new Set([claim]);
  return new Set(Array.isArray(claim) ? claim.flatMap(namesOf) : []);
}

/** The provider left the groups out because they are too many (Microsoft Entra's overage). */
export function hasGroupsElsewhere(claims: AccessTokenClaims): boolean {
  return 'hasgroups' in claims || claimAt(claims, '_claim_names.groups') !== undefined;
}

function claimAt(claims: AccessTokenClaims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function namesOf(group: unknown): readonly string[] {
  if (typeof group === 'string') return [group];
  if (typeof group !== 'object' || group === null) return [];
  const { name, id } = group as { name?: unknown; id?: unknown };
  return [name, id].filter((each) => typeof each === 'string');
}
