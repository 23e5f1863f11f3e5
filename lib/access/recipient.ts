/** Checks that the route accepts the issuer and the audience of a token. */
import { invalidToken, type TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { withoutSlash } from '../issuer/issuer-metadata.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import type { ValidatedToken } from '../token/validated-token.js';

/** The part of a route's policy that is read here. */
export interface Accepting {
  readonly issuers: readonly (readonly string[])[];
  readonly audience: string | undefined;
}

/** The part of an issuer that is read here. */
export interface NamedIssuer {
  readonly name: string;
  readonly issuer: string;
}

/**
 * @param audiences the configured audiences of the token's issuer
 * @returns the error if the route does not accept the token; `undefined` if it does
 */
export function checkRecipient(
  { claims, issuer }: Pick<ValidatedToken, 'claims'> & { readonly issuer: NamedIssuer },
  { issuers, audience }: Accepting,
  audiences: string | readonly string[],
): TokenError | undefined {
  if (!issuers.every((names) => isNamed(issuer, names)))
    return invalidToken('issuer', `@Issuers() does not name ${quoteForeign(issuer.name)}`);
  if (audience === undefined) return undefined;
  if (![audiences].flat().includes(audience))
    return invalidToken(
      'audience',
      `@Audience() requires ${quoteForeign(audience)}, which is not an audience of the issuer ${quoteForeign(issuer.name)}`,
    );
  if (![claims.aud].flat().includes(audience))
    return invalidToken('audience', () => describe(claims, audience));
  return undefined;
}

/** Returns whether a list of names and issuer identifiers contains this issuer. */
export function isNamed({ name, issuer }: NamedIssuer, names: readonly string[]): boolean {
  return names.some((each) => each === name || withoutSlash(each) === withoutSlash(issuer));
}

function describe({ aud }: Pick<AccessTokenClaims, 'aud'>, audience: string): string {
  return `aud is ${quoteForeign(aud)}, @Audience() requires ${quoteForeign(audience)}`;
}
