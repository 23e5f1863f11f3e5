/** `@AnyScope()`: the token holds one of these scopes. RFC 6750 section 3.1. */
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
  /** A challenge cannot say "or": it names the first one. */
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
 * The token must hold one of these scopes (RFC 6749 section 3.3). Several decorators, on the class, on the handler or both,
 * must each hold. The challenge of a 403 names the first scope of each: put the one first that clients should ask for.
 *
 * Any string is accepted, until the application declares its scopes in `KnownScopes`.
 *
 * @throws {TypeError} where the decorator stands, for no scope or for one with a space or a quote in it
 *
 * @example
 * ```ts
 * @Get() @AnyScope('read:orders', 'manage:orders') list(): Order[] { … }
 * ```
 */
export function AnyScope(...scopes: readonly [ScopeName, ...ScopeName[]]): ClassDecorator & MethodDecorator {
  return requires(new AnyScopeRequirement(readScopeNames('@AnyScope', scopes)));
}
