/** Implements `@RequireClaims()`: claims of the token must have certain values. */
import { TokenError } from '../../errors/auth.errors.js';
import { quoteForeign } from '../../errors/quote-foreign.js';
import { requires } from '../../policy/declarations.js';
import { isThenable } from '../../timing/when-ready.js';
import type { AccessTokenClaims } from '../../token/access-token-claims.js';
import type { ValidatedToken } from '../../token/validated-token.js';
import type { AccessContext, Denial, Requirement } from '../requirement.js';

type Value = string | number | boolean;

/**
 * Accepts a claim by returning `true`; any other result rejects it. A promise is awaited, and an error results in 500.
 */
export type ClaimPredicate = (value: unknown, claims: AccessTokenClaims) => boolean | Promise<boolean>;

/**
 * The condition for a claim: it equals the value, is one of the list, equals the route parameter with that name, or the function
 * returns `true` for it. A claim that is a list must contain the value.
 */
export type ClaimCondition = Value | readonly Value[] | { readonly param: string } | ClaimPredicate;

export class ClaimsRequirement implements Requirement {
  readonly kind = 'claims';
  readonly decorator = '@RequireClaims()';
  readonly phase = 'claims';
  readonly isVolatile: boolean;
  readonly params: readonly string[];
  /** Not private, because `isDeepStrictEqual` compares requirements by their public members. */
  readonly conditions: readonly (readonly [claim: string, condition: ClaimCondition])[];

  constructor(conditions: Readonly<Record<string, ClaimCondition>>) {
    this.conditions = Object.entries(conditions);
    this.params = this.conditions.flatMap(([, condition]) => (isParam(condition) ? [condition.param] : []));
    this.isVolatile = this.conditions.some(
      ([, condition]) => isParam(condition) || typeof condition === 'function',
    );
  }

  check({ claims }: ValidatedToken, context: AccessContext): Denial | Promise<Denial> {
    const pending: Promise<Denial>[] = [];
    for (const [claim, condition] of this.conditions) {
      const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
      let holds: unknown;
      try {
        holds =
          typeof condition === 'function' ? condition(value, claims) : hasValue(value, condition, context);
      } catch (error) {
        ignore(pending);
        throw error;
      }
      if (isThenable(holds))
        pending.push(Promise.resolve(holds).then((held) => (held === true ? undefined : denialOf(claim))));
      else if (holds !== true) {
        ignore(pending);
        return denialOf(claim);
      }
    }
    return pending.length === 0 ? undefined : firstOf(pending);
  }

  describe(): string {
    return `${this.conditions.length === 1 ? 'claim' : 'claims'} ${this.conditions.map(describeCondition).join(', ')}`;
  }
}

function hasValue(
  claim: unknown,
  condition: Exclude<ClaimCondition, ClaimPredicate>,
  { params }: AccessContext,
): boolean {
  const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  if (isParam(condition)) {
    const expected = Object.hasOwn(params, condition.param) ? params[condition.param] : undefined;
    // Path parameters are strings, so a number in a claim is converted to a string.
    return (
      typeof expected === 'string' &&
      values.some((value) => (typeof value === 'number' ? String(value) : value) === expected)
    );
  }
  const expected: readonly unknown[] = Array.isArray(condition) ? condition : [condition];
  return values.some((value) => expected.includes(value));
}

function denialOf(claim: string): TokenError {
  return new TokenError('insufficient_claims', {
    detail: `the claim ${quoteForeign(claim)} does not satisfy the route`,
  });
}

async function firstOf(pending: readonly Promise<Denial>[]): Promise<Denial> {
  return (await Promise.all(pending)).find((denial) => denial !== undefined);
}

/** Ignores errors of predicates whose results are not needed. An unhandled rejection would end the process. */
function ignore(pending: readonly Promise<Denial>[]): void {
  for (const each of pending) each.catch(() => undefined);
}

function isParam(condition: unknown): condition is { readonly param: string } {
  return typeof condition === 'object' && condition !== null && !Array.isArray(condition);
}

function describeCondition([claim, condition]: readonly [string, ClaimCondition]): string {
  if (typeof condition === 'function') return `${claim} (checked by the application)`;
  if (isParam(condition)) return `${claim} = :${condition.param}`;
  return `${claim} = ${Array.isArray(condition) ? condition.join(' or ') : String(condition)}`;
}

/**
 * Requires that each claim satisfies its condition: it equals the value, is one of a list, equals a parameter of the route, or a
 * function returns `true` for it. A claim that is a list must contain the value; a missing claim does not satisfy a condition. The
 * key is the name of the claim, never a path. Each of several decorators, on the class, the handler or both, must be satisfied.
 * Otherwise the response is 403.
 *
 * An error of a function results in 500. `{ param }` is supported for HTTP routes; if the route does not have the parameter, the
 * application does not start ({@link ConfigurationError}).
 *
 * @throws {TypeError} when the class is loaded, without a claim, for an empty list, or for a condition of another type
 *
 * @example
 * ```ts
 * @Controller('tenants/:tenantId/orders')
 * @RequireClaims({ email_verified: true, plan: ['pro', 'team'], tenant_id: { param: 'tenantId' } })
 * export class OrdersController {}
 * ```
 */
export function RequireClaims(
  conditions: Readonly<Record<string, ClaimCondition>>,
): ClassDecorator & MethodDecorator {
  const entries = Object.entries(conditions ?? {});
  if (entries.length === 0) throw new TypeError('@RequireClaims() needs at least one claim');
  for (const [claim, condition] of entries) {
    if (claim === '' || !isCondition(condition))
      throw new TypeError(
        `@RequireClaims(): ${JSON.stringify(claim)} is not compared with a value, a list, { param } or a function`,
      );
  }
  return requires(new ClaimsRequirement({ ...conditions }));
}

function isCondition(condition: unknown): boolean {
  if (typeof condition === 'function') return true;
  if (Array.isArray(condition)) return condition.length > 0 && condition.every(isValue);
  if (isParam(condition)) {
    const { param, ...others } = condition;
    return typeof param === 'string' && param !== '' && Object.keys(others).length === 0;
  }
  return isValue(condition);
}

function isValue(value: unknown): value is Value {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}
