/**
 * Refuses tokens that say of themselves that they are no access tokens: refresh tokens, ID tokens and others.
 *
 * No standard gives a payload or an introspection answer (RFC 7662 section 2.2) a member for the kind of a token, so
 * providers use several. A token is refused if any of them names another kind.
 */
import { invalidToken } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';

/** Kinds of tokens, as {@link kindOf} writes them. */
const OTHER_KINDS = new Set(['refresh', 'id', 'offline', 'logout', 'serialized-id', 'identity', 'rt', 'it']);
const ACCESS_KINDS = new Set(['access', 'at']);

/** Longer lists and texts name no kind: what nobody has vouched for yet must not cost more to read. */
const MAX_VALUES = 16;
const MAX_LENGTH = 200;

type Refuses = (value: string) => boolean;

/** Members that also have other meanings: `Bearer` and `DPoP` are types of access tokens (RFC 6749 section 7.1). */
const namesOtherKind: Refuses = (value) => OTHER_KINDS.has(kindOf(value)) || isOtherUrn(value);
/** Members that have no other meaning. */
const isNoAccessToken: Refuses = (value) => !ACCESS_KINDS.has(kindOf(value));
/** Members that applications use for other things, too: the value must end with `token`, be `refresh`, or a token type's URN. */
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
 * Throws if a member of the claims says that the token is no access token.
 *
 * Does not look at the JOSE header, and cannot tell a refresh token that has no mark.
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

/** `Refresh`, `refresh_token` and `urn:ietf:params:oauth:token-type:refresh_token` are one kind. */
function kindOf(value: string): string {
  return value
    .slice(value.lastIndexOf(':') + 1)
    .toLowerCase()
    .replace(/[-_. ]?token$/, '');
}

/** RFC 8693 section 3; other parties define more of them. `jwt` says nothing of the kind. */
function isOtherUrn(value: string): boolean {
  if (!/^urn:.*:token-type:/i.test(value)) return false;
  const kind = kindOf(value);
  return kind !== 'jwt' && !ACCESS_KINDS.has(kind);
}
