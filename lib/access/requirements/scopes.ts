/** `@Scopes()`: the token holds all of these scopes. RFC 6749 section 3.3, RFC 6750 section 3.1. */
import { TokenError } from '../../errors/auth.errors.js';
import { requires } from '../../policy/declarations.js';
import type { ValidatedToken } from '../../token/validated-token.js';
import { scopesOf } from '../grants.js';
import type { AccessContext, Denial, Requirement } from '../requirement.js';
import { readScopeNames, type ScopeName } from '../scope-names.js';

export class ScopesRequirement implements Requirement {
  readonly kind = 'scopes';
  readonly decorator = '@Scopes()';
  readonly phase = 'scopes';

  constructor(readonly scopes: readonly string[]) {}

  combine(other: Requirement): ScopesRequirement {
    return new ScopesRequirement([...new Set([...this.scopes, ...(other.scopes ?? [])])]);
  }

  check(token: ValidatedToken, { scopes }: AccessContext): Denial {
    const held = scopesOf(token);
    const missing = this.scopes.filter((scope) => !held.has(scope));
    if (missing.length === 0) return undefined;
    return new TokenError('insufficient_scope', { detail: `missing scope: ${missing.join(' ')}`, scopes });
  }

  describe(): string {
    return `${this.scopes.length === 1 ? 'scope' : 'scopes'} ${this.scopes.join(' ')}`;
  }
}

/**
 * The token must hold all of these scopes (RFC 6749 section 3.3). Scopes on the class and on the handler add up.
 *
 * Any string is accepted, until the application declares its scopes in `KnownScopes`.
 *
 * @throws {TypeError} where the decorator stands, for no scope or for one with a space or a quote in it
 */
export function Scopes(...scopes: readonly [ScopeName, ...ScopeName[]]): ClassDecorator & MethodDecorator {
  return requires(new ScopesRequirement(readScopeNames('@Scopes', scopes)));
}
