/** Implements `@Scopes()`: the token must have all of these scopes. RFC 6749 section 3.3, RFC 6750 section 3.1. */
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
    return new ScopesRequirement([...new Set([...this.scopes, ...(other as ScopesRequirement).scopes])]);
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
 * Requires a token with all of these scopes (RFC 6749 section 3.3), read from `scope` and `scp` and compared character by
 * character. The scopes of class and handler add up. Otherwise the response is 403 `insufficient_scope` (RFC 6750 section 3.1).
 *
 * Any string is accepted, unless the application declares its scopes in {@link KnownScopes}. Whether the issuer grants a scope is
 * not checked.
 *
 * @throws {TypeError} when the class is loaded, without a scope, or for one with a space or a quote
 *
 * @example
 * ```ts
 * @Controller('orders')
 * @Scopes('read:orders')
 * export class OrdersController {
 *   @Post() @Scopes('write:orders') create() {} // requires both scopes
 * }
 * ```
 */
export function Scopes(...scopes: readonly [ScopeName, ...ScopeName[]]): ClassDecorator & MethodDecorator {
  return requires(new ScopesRequirement(readScopeNames('@Scopes', scopes)));
}
