/** Implements `@StepUp()`: the user must have signed in strongly and recently enough. RFC 9470. */
import { ConfigurationError, TokenError } from '../../errors/auth.errors.js';
import type { ChallengeParameters } from '../../errors/auth.errors.js';
import { quoteForeign } from '../../errors/quote-foreign.js';
import { requires } from '../../policy/declarations.js';
import type { ValidatedToken } from '../../token/validated-token.js';
import type { AccessContext, Denial, Requirement } from '../requirement.js';
import { isScopeName } from '../scope-names.js';

/** The maximum leeway, in seconds. With a larger one, an old sign-in would count as recent. */
const MAX_LEEWAY_SECONDS = 60;

interface AcrValues {
  /** `acr` must be one of these (RFC 9470 section 3: `acr_values`), the preferred one first. @default any, or none */
  readonly acrValues: readonly [string, ...string[]];
}

interface MaxAge {
  /** The user signed in at most this many seconds ago, by `auth_time`. @default any time */
  readonly maxAge: number;
}

/**
 * `acrValues`: accepted values of `acr`; `maxAge`: the maximum age of the sign-in, in seconds. At least one of the two.
 */
export type StepUpOptions = (AcrValues & Partial<MaxAge>) | (Partial<AcrValues> & MaxAge);

export class StepUpRequirement implements Requirement {
  readonly kind = 'step-up';
  readonly decorator = '@StepUp()';
  readonly phase = 'authentication';
  /** With `maxAge`, because the sign-in ages while the token is cached. */
  readonly isVolatile: boolean;

  constructor(readonly stepUp: { readonly acrValues?: readonly string[]; readonly maxAge?: number }) {
    this.isVolatile = stepUp.maxAge !== undefined;
  }

  combine(other: Requirement): StepUpRequirement {
    const [first, second] = [this.stepUp, (other as StepUpRequirement).stepUp];
    const [one, two] = [first.acrValues, second.acrValues];
    const acrValues = one && two ? one.filter((value) => two.includes(value)) : (one ?? two);
    if (acrValues?.length === 0) {
      throw new ConfigurationError(
        '@StepUp() of class and handler have no acr value in common, so no token can satisfy both',
      );
    }
    const maxAge = Math.min(first.maxAge ?? Infinity, second.maxAge ?? Infinity);
    return new StepUpRequirement({
      ...(acrValues && { acrValues }),
      ...(maxAge !== Infinity && { maxAge }),
    });
  }

  check({ claims }: ValidatedToken, context: AccessContext): Denial {
    const why = this.#whyNot(claims['acr'], claims['auth_time'], context);
    if (why === undefined) return undefined;
    const { scopes } = context;
    return new TokenError('insufficient_user_authentication', {
      detail: why,
      parameters: this.#parameters(),
      scopes,
    });
  }

  describe(): string {
    const { acrValues, maxAge } = this.stepUp;
    return [
      'sign-in',
      ...(acrValues ? [`with acr ${acrValues.join(' or ')}`] : []),
      ...(maxAge === undefined ? [] : [`at most ${maxAge} s ago`]),
    ].join(' ');
  }

  /** Returns why the sign-in is not sufficient. A missing claim does not satisfy the requirement. */
  #whyNot(acr: unknown, authTime: unknown, { now, clockTolerance }: AccessContext): string | undefined {
    const { acrValues, maxAge } = this.stepUp;
    if (acrValues && !acrValues.some((value) => value === acr))
      return `acr is ${quoteForeign(acr)}, needs ${acrValues.map(quoteForeign).join(' or ')}`;
    if (maxAge === undefined) return undefined;
    if (typeof authTime !== 'number' || !Number.isFinite(authTime))
      return `auth_time is ${quoteForeign(authTime)}, not a time`;
    const leeway = Math.min(clockTolerance, MAX_LEEWAY_SECONDS);
    const age = now - authTime;
    if (age > maxAge + leeway)
      return `the user signed in ${Math.floor(age)} s ago, at most ${maxAge} s are allowed`;
    return age < -leeway ? `auth_time is ${Math.ceil(-age)} s in the future: check the clocks` : undefined;
  }

  #parameters(): ChallengeParameters {
    const { acrValues, maxAge } = this.stepUp;
    return [
      ...(acrValues ? ([['acr_values', acrValues.join(' ')]] as const) : []),
      ...(maxAge === undefined ? [] : ([['max_age', String(maxAge)]] as const)),
    ];
  }
}

/**
 * Requires a sign-in that is strong enough (`acr`), recent enough (`auth_time`), or both; a missing claim does not satisfy the
 * requirement. Otherwise the response is 401 `insufficient_user_authentication` with `acr_values` and `max_age` (RFC 9470
 * section 3), so that the client can let the user sign in again. The leeway of `maxAge` is `clockTolerance`, at most 60 s.
 *
 * With decorators on class and handler, the smaller `maxAge` and the common `acrValues` apply; without a common value, the
 * application does not start ({@link ConfigurationError}). Scopes, groups and claims are checked first.
 *
 * @throws {TypeError} when the class is loaded, without both options, for an empty list, for a value with a space or a quote, and
 *   for a `maxAge` that is not a whole number of seconds
 *
 * @example
 * ```ts
 * @Post('payouts') @Scopes('pay') @StepUp({ acrValues: ['urn:example:mfa'], maxAge: 300 }) pay(): void { … }
 * ```
 */
export function StepUp(options: StepUpOptions): ClassDecorator & MethodDecorator {
  const { acrValues, maxAge, ...others }: Partial<AcrValues & MaxAge> = options ?? {};
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`@StepUp(): ${unknown} is not an option`);
  if (acrValues === undefined && maxAge === undefined)
    throw new TypeError('@StepUp() needs acrValues, maxAge or both');
  if (maxAge !== undefined && !(Number.isSafeInteger(maxAge) && maxAge >= 0))
    throw new TypeError(`@StepUp(): maxAge ${String(maxAge)} is not a whole number of seconds`);
  if (
    acrValues !== undefined &&
    !(Array.isArray(acrValues) && acrValues.length > 0 && acrValues.every(isScopeName))
  )
    throw new TypeError(
      `@StepUp(): acrValues ${JSON.stringify(acrValues)} is not a list of values without spaces`,
    );
  return requires(
    new StepUpRequirement({
      ...(acrValues && { acrValues: Object.freeze([...acrValues]) }),
      ...(maxAge !== undefined && { maxAge }),
    }),
  );
}
