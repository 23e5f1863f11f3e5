/** What a requirement is checked with, without a server: a token, a context, and what a decorator declares. */
import type { AccessContext, Requirement } from '../../lib/access/requirement.js';
import { ownDeclarations } from '../../lib/policy/declarations.js';
import { freezeClaims } from '../../lib/token/access-token-claims.js';
import { ValidatedToken } from '../../lib/token/validated-token.js';

/** Of an issuer that no requirement asks for. */
export const tokenWith = (claims: Readonly<Record<string, unknown>>): ValidatedToken =>
  new ValidatedToken('token', freezeClaims({ ...claims }), {} as ValidatedToken['issuer']);

export const contextWith = (context: Partial<AccessContext> = {}): AccessContext => ({
  groupOptions: { groupsClaim: 'groups', matchAll: false },
  scopes: [],
  now: 0,
  clockTolerance: 0,
  params: {},
  ...context,
});

/** The requirement that a decorator on a class declares. */
export function declaredBy(decorator: ClassDecorator): Requirement {
  class Decorated {}
  decorator(Decorated);
  const [declaration, ...others] = ownDeclarations(Decorated);
  if (declaration?.kind !== 'requirement' || others.length > 0) throw new Error('not one requirement');
  return declaration.requirement as Requirement;
}
