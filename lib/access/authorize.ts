/** Checks whether a token satisfies the requirements of a route (RFC 6750 section 3.1). */
import type { DeclaredRequirement } from '../policy/declarations.js';
import type { ValidatedToken } from '../token/validated-token.js';
import { isObject } from '../jose/strict-json.js';
import { trueTime } from '../token/check-claims.js';
import {
  PHASES,
  type AccessContext,
  type AccessOptions,
  type Denial,
  type Requirement,
} from './requirement.js';

/** The part of a route's policy that is read here. Each route has one object, which never changes. */
export interface Requiring {
  readonly requirements: readonly DeclaredRequirement[];
}

/** The requirements of a route, combined and in the order in which they are checked. */
export interface RouteAccess {
  readonly requirements: readonly Requirement[];
  /** The scopes in challenges and in OpenAPI. */
  readonly scopes: readonly string[];
  /** All scopes that can satisfy a requirement, for resource metadata. */
  readonly mentionedScopes: readonly string[];
  /** Whether the result for a token may be cached. */
  readonly isStable: boolean;
}

const compiled = new WeakMap<Requiring, RouteAccess>();

/** Returns the combined requirements of a route, compiled once. */
export function accessOf(policy: Requiring): RouteAccess {
  let access = compiled.get(policy);
  if (!access) compiled.set(policy, (access = compileAccess(policy)));
  return access;
}

function compileAccess(policy: Requiring): RouteAccess {
  const requirements: Requirement[] = [];
  // The cast is safe, because all declared requirements are created by the classes in requirements/.
  for (const each of policy.requirements as readonly Requirement[]) {
    const known = requirements.findIndex((other) => other.kind === each.kind && 'combine' in other);
    const joined = requirements[known]?.combine?.(each);
    if (joined) requirements[known] = joined;
    else requirements.push(each);
  }
  requirements.sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase));
  return Object.freeze({
    requirements: Object.freeze(requirements),
    scopes: unique(requirements.flatMap(({ scopes = [] }) => scopes)),
    mentionedScopes: unique(requirements.flatMap(({ scopes = [], alternatives = scopes }) => alternatives)),
    isStable: requirements.every(({ isVolatile }) => isVolatile !== true),
  });
}

function unique(names: readonly string[]): readonly string[] {
  return Object.freeze([...new Set(names)]);
}

/** The data of a call that a requirement may read, in addition to the token. */
export interface AccessCall {
  readonly params?: unknown;
}

/**
 * Throws unless the token satisfies every requirement.
 *
 * @throws {TokenError} for the first one that it does not satisfy
 */
export async function authorize(
  token: ValidatedToken,
  policy: Requiring,
  options: AccessOptions,
): Promise<void> {
  const denial = await checkAccess(token, policy, options);
  if (denial) throw denial;
}

/**
 * Returns the error for the first requirement that is not satisfied; `undefined` if all are.
 *
 * The policy that the token satisfied last is not checked again, because the policy and the options never change. Only a policy
 * with a requirement that depends on the time or on the request is checked every time.
 */
export function checkAccess(
  token: ValidatedToken,
  policy: Requiring,
  options: AccessOptions,
  call: AccessCall = {},
): Denial | Promise<Denial> {
  if (token.met === policy) return undefined;
  const { requirements, scopes, isStable } = accessOf(policy);
  const denial = checkFrom(0, requirements, token, {
    groupOptions: options.groupOptions,
    clockTolerance: options.clockTolerance,
    now: trueTime(options),
    params: isObject(call.params) ? call.params : {},
    scopes,
  });
  if (denial === undefined && isStable) token.met = policy;
  return denial;
}

function checkFrom(
  index: number,
  requirements: readonly Requirement[],
  token: ValidatedToken,
  context: AccessContext,
): Denial | Promise<Denial> {
  for (let i = index; i < requirements.length; i++) {
    const denial = requirements[i]?.check(token, context);
    if (denial instanceof Promise)
      return denial.then((found) => found ?? checkFrom(i + 1, requirements, token, context));
    if (denial) return denial;
  }
  return undefined;
}
