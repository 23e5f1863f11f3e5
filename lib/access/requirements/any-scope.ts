/** Implements `@AnyScope()`: the token must have at least one of these scopes. RFC 6750 section 3.1. */
import { TokenError } from '../../errors/auth.errors.js';
import { requires } from '../../policy/declarations.js';
import type { ValidatedToken } from '../../token/validated-token.js';
import { scopesOf } from '../grants.js';
import type { AccessContext, Denial, Requirement } from '../requirement.js';
import { readScopeNames, type ScopeName } from '../scope-names.js';

export class AnyScopeRequirement implements Requirement {
  readonly kind = 'any-scope';
  readonly decorator = '@AnyScope()';
  readonly phase = 'any-scope';
  /** Only the first of them, because a challenge cannot express alternatives. */
  readonly scopes: readonly string[];

  constructor(readonly alternatives: readonly string[]) {
    this.scopes = alternatives.slice(0, 1);
  }

  check(token: ValidatedToken, { scopes }: AccessContext): Denial {
    const held = scopesOf(token);
    if (this.alternatives.some((scope) => held.has(scope))) return undefined;
    return new TokenError('insufficient_scope', {
      detail: `needs any of the scopes ${this.alternatives.join(' ')}`,
      scopes,
    });
  }

  describe(): string {
    return `${this.alternatives.length === 1 ? 'scope' : 'any scope of'} ${this.alternatives.join(' ')}`;
  }
}

/**
 * Requires a token with at least one of these scopes (RFC 6749 section 3.3). Each of several decorators, on the class, the handler
 * or both, must be satisfied. The challenge of a 403 contains the first scope of each: list the one first that clients should
 * request.
 *
 * Any string is accepted, unless the application declares its scopes in {@link KnownScopes}.
 *
 * @throws {TypeError} when the class is loaded, without a scope, or for one with a space or a quote
 *
 * @example
 * ```ts
 * @Get() @AnyScope('read:orders', 'manage:orders') list(): Order[] { … }
 * ```
 */
export function AnyScope(...scopes: readonly [ScopeName, ...ScopeName[]]): ClassDecorator & MethodDecorator {
  return requires(new AnyScopeRequirement(readScopeNames('@AnyScope', scopes)));
}
