/** Defines the requirements of routes on tokens: one object for each decorator, one file for each kind in `requirements/`. */
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

/** The data that a requirement is checked with, in addition to the token. */
export interface AccessContext {
  readonly groupOptions: GroupOptions;
  /** The scopes in a challenge of the route. */
  readonly scopes: readonly string[];
  /** The time in seconds since 1970, corrected by `clockSkew`. */
  readonly now: number;
  /** In seconds. */
  readonly clockTolerance: number;
  /** The parameters of the request's path, as parsed by the router; none outside HTTP. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** The options that requirements are checked with. */
export interface AccessOptions {
  readonly groupOptions: GroupOptions;
  readonly clockSkew: number;
  readonly clockTolerance: number;
}

/** `undefined`: the requirement is satisfied. */
export type Denial = TokenError | undefined;

export const PHASES = ['scopes', 'any-scope', 'groups', 'claims', 'authentication'] as const;

export interface Requirement extends DeclaredRequirement {
  /**
   * When it is checked: scopes first, then the other permissions of the caller (403), then how the caller signed in (401).
   */
  readonly phase: (typeof PHASES)[number];
  /** The scopes that a token needs, for challenges and OpenAPI. */
  readonly scopes?: readonly string[];
  /** The scopes that clients may request, if these are more than `scopes`; for resource metadata. */
  readonly alternatives?: readonly string[];
  /** The names of the path parameters that it reads. */
  readonly params?: readonly string[];
  readonly groups?: GroupRequirement;
  /**
   * Combines this with another requirement of the same kind on the same route. Without this method, both are checked.
   *
   * @throws {ConfigurationError} if no token can satisfy both
   */
  combine?(other: Requirement): Requirement;
  /** Returns a denial instead of throwing it, because throwing costs more than the check. */
  check(token: ValidatedToken, context: AccessContext): Denial | Promise<Denial>;
  /** Returns a description for the route table and for OpenAPI, such as `scopes read write`. */
  describe(options: GroupOptions): string;
  /** Whether the result depends on more than token and options (the time, the request), so that it is not cached. */
  readonly isVolatile?: boolean;
}

export interface GroupRequirement {
  readonly groups: readonly string[];
  /** Whether all of the groups are required instead of one. @default the module's `groupOptions.matchAll` */
  readonly matchAll?: boolean;
  /** The path of the claim with the groups. @default the module's `groupOptions.groupsClaim` */
  readonly groupsClaim?: string;
}
