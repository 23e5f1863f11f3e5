/**
 * Rejects tokens that state that they are not access tokens: refresh tokens, ID tokens and others.
 *
 * No standard defines a member for the kind of a token in a payload or an introspection response (RFC 7662 section 2.2), so
 * providers use several. A token is rejected if any of them names another kind.
 */
import { invalidToken } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';

/** Kinds of tokens, as {@link kindOf} returns them. */
const OTHER_KINDS = new Set(['refresh', 'id', 'offline', 'logout', 'serialized-id', 'identity', 'rt', 'it']);
const ACCESS_KINDS = new Set(['access', 'at']);

/** How many values of a list, and how many characters of each, are read. This limits the cost of unverified tokens. */
const MAX_VALUES = 16;
const MAX_LENGTH = 200;

type Refuses = (value: string) => boolean;

/** For members that also have other meanings: `Bearer` and `DPoP` are types of access tokens (RFC 6749 section 7.1). */
const namesOtherKind: Refuses = (value) => OTHER_KINDS.has(kindOf(value)) || isOtherUrn(value);
/** For members that have no other meaning. */
const isNoAccessToken: Refuses = (value) => !ACCESS_KINDS.has(kindOf(value));
/** For members with other uses in applications: the value must end with `token`, be `refresh`, or be a token type's URN. */
const namesOtherToken: Refuses = (value) =>
  /token$/i.test(value) ? namesOtherKind(value) : value.toLowerCase() === 'refresh' || isOtherUrn(value);

const MARKS: readonly (readonly [member: string, refuses: Refuses])[] = [
  // Glewlwyd, Salesforce, WSO2; in JWTs: djangorestframework-simplejwt.
  ['token_type', namesOtherKind],
  // Amazon Cognito, Ory Hydra, Dex.
  ['token_use', isNoAccessToken],
  // OpenIddict.
  ['token_usage', isNoAccessToken],
  // Oracle.
  ['tok_type', isNoAccessToken],
  // Casdoor; Apereo CAS writes `Bearer`.
  ['tokenType', namesOtherKind],
  // ForgeRock.
  ['tokenName', namesOtherKind],
  // Keycloak, Rauthy.
  ['typ', namesOtherKind],
  // Curity.
  ['purpose', namesOtherToken],
  // Flask-JWT-Extended, Pocket ID.
  ['type', namesOtherToken],
];

/**
 * Throws if a member of the claims states that the token is not an access token.
 *
 * Does not check the JOSE header, and cannot detect a refresh token without such a member.
 *
 * @throws {TokenError} `invalid_token`
 */
export function checkTokenKind(claims: Readonly<Record<string, unknown>>): void {
  for (const [member, refuses] of MARKS) {
    const value = claims[member];
    if (value === undefined) continue;
    const values: readonly unknown[] = Array.isArray(value) ? value.slice(0, MAX_VALUES) : [value];
    if (values.some((each) => typeof each === 'string' && each !== '' && refuses(each.slice(0, MAX_LENGTH))))
      throw invalidToken('type', `${member} ${quoteForeign(value)}: not an access token`);
  }
}

/** Returns the kind: the same for `Refresh`, `refresh_token` and `urn:ietf:params:oauth:token-type:refresh_token`. */
function kindOf(value: string): string {
  return value
    .slice(value.lastIndexOf(':') + 1)
    .toLowerCase()
    .replace(/[-_. ]?token$/, '');
}

/** Returns whether the value is the URN of another token type (RFC 8693 section 3, or a vendor's). `jwt` states no kind. */
function isOtherUrn(value: string): boolean {
  if (!/^urn:.*:token-type:/i.test(value)) return false;
  const kind = kindOf(value);
  return kind !== 'jwt' && !ACCESS_KINDS.has(kind);
}
