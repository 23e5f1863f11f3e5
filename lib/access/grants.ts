/** Which scopes and groups does a token hold? RFC 8693 section 4.2, RFC 9068 section 2.2.3, and what providers really send. */
import type { AccessTokenClaims } from '../token/access-token-claims.js';

/** Claims never change, and many requests bring the same: their sets are made once. */
interface Grants {
  scopes?: ReadonlySet<string>;
  /** By path. */
  readonly groups: Map<string, ReadonlySet<string>>;
}
const known = new WeakMap<AccessTokenClaims, Grants>();

function grantsOf(claims: AccessTokenClaims): Grants {
  let grants = known.get(claims);
  if (!grants) known.set(claims, (grants = { groups: new Map() }));
  return grants;
}

/** `scope` and `scp`, each a string of scopes between spaces or a list. */
export function scopesOf(claims: AccessTokenClaims): ReadonlySet<string> {
  return (grantsOf(claims).scopes ??= new Set([...scopesIn(claims.scope), ...scopesIn(claims['scp'])]));
}

function scopesIn(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((scope) => scope !== '');
  return Array.isArray(claim) ? claim.filter((scope) => typeof scope === 'string') : [];
}

/**
 * A list of strings, one string (never split: a group may have a comma in its name), or a list of objects that carry a
 * `name` or an `id`.
 *
 * @param path a claim's own name; failing that, a dotted path into objects
 */
export function groupsOf(claims: AccessTokenClaims, path: string): ReadonlySet<string> {
  const { groups } = grantsOf(claims);
  let held = groups.get(path);
  if (!held) groups.set(path, (held = readGroups(claims, path)));
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
