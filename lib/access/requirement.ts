/** What a route may require of a token: one object for each decorator, one file for each kind in `requirements/`. */
import type { TokenError } from '../errors/auth.errors.js';
import type { DeclaredRequirement } from '../policy/declarations.js';
import type { ValidatedToken } from '../token/validated-token.js';

export interface GroupOptions {
  /**
   * The claim with the groups. A dotted path reads nested objects (`realm_access.roles`); a name in brackets
   * is one name (`resource_access["orders.api"].roles`); a claim whose name is the complete string takes
   * precedence. See [scopes and groups](../../docs/scopes-and-groups.md).
   *
   * @default 'groups'
   */
  readonly groupsClaim: string;
  /**
   * `@Groups` requires all listed groups instead of one of them.
   *
   * @default false
   */
  readonly matchAll: boolean;
}

/** What a requirement is checked with, besides the token. */
export interface AccessContext {
  readonly groupOptions: GroupOptions;
  /** The scopes that a challenge of the route names. */
  readonly scopes: readonly string[];
  /** Seconds since 1970, corrected by the known error of this machine's clock. */
  readonly now: number;
  /** Seconds. */
  readonly clockTolerance: number;
  /** The parameters of the request's path, as the router read them; none outside HTTP. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** The options that requirements are checked with. */
export interface AccessOptions {
  readonly groupOptions: GroupOptions;
  readonly clockSkew: number;
  readonly clockTolerance: number;
}

/** `undefined`: the requirement holds. */
export type Denial = TokenError | undefined;

export const PHASES = ['scopes', 'any-scope', 'groups', 'claims', 'authentication'] as const;

export interface Requirement extends DeclaredRequirement {
  /**
   * When it is checked: scopes first, then what else the caller may do (403), then how the caller signed in (401).
   */
  readonly phase: (typeof PHASES)[number];
  /** What a token of the route needs, for challenges and OpenAPI. */
  readonly scopes?: readonly string[];
  /** The scopes that clients may ask for, where these are more than `scopes`: for resource metadata. */
  readonly alternatives?: readonly string[];
  /** The names of the path parameters that it reads. */
  readonly params?: readonly string[];
  readonly groups?: GroupRequirement;
  /**
   * Joined with another requirement of the same kind on the same route; without it each must hold by itself.
   *
   * @throws {ConfigurationError} if no token can meet both
   */
  combine?(other: Requirement): Requirement;
  /** Denials are returned: throwing costs more than finding out. */
  check(token: ValidatedToken, context: AccessContext): Denial | Promise<Denial>;
  /** For the route table and for OpenAPI: `scopes read write`. */
  describe(options: GroupOptions): string;
  /** Depends on more than token and options (the time, the request), so that no result is remembered. */
  readonly isVolatile?: boolean;
}

export interface GroupRequirement {
  readonly groups: readonly string[];
  /** All of the groups instead of any. Left out: what the module's options say. */
  readonly matchAll?: boolean;
  /** Where the groups stand in the token. Left out: what the module's options say. */
  readonly groupsClaim?: string;
}
