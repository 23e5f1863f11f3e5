/** `@Scopes()`: the token holds all of these scopes. RFC 6749 section 3.3, RFC 6750 section 3.1. */
import { TokenError } from '../../errors/auth.errors.js';
import { requires } from '../../policy/declarations.js';
import type { ValidatedToken } from '../../token/validated-token.js';
import { scopesOf } from '../grants.js';
import type { AccessContext, Denial, Requirement } from '../requirement.js';

/** RFC 6749 section 3.3: scope-token. */
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

export class ScopesRequirement implements Requirement {
  readonly kind = 'scopes';
  readonly decorator = '@Scopes()';
  readonly phase = 'scope';

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
 * @throws {TypeError} where the decorator stands, for no scope or for one with a space or a quote in it
 */
export function Scopes(...scopes: readonly [string, ...string[]]): ClassDecorator & MethodDecorator {
  if (scopes.length === 0) throw new TypeError('@Scopes() needs at least one scope');
  const wrong = scopes.find((scope) => typeof scope !== 'string' || !SCOPE_TOKEN.test(scope));
  if (wrong !== undefined) {
    throw new TypeError(
      `@Scopes(): ${JSON.stringify(wrong)} is not one scope; write @Scopes('a', 'b') for two`,
    );
  }
  return requires(new ScopesRequirement(Object.freeze([...scopes])));
}
