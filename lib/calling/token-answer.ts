/** Reads responses of the token endpoint. RFC 6749 sections 5.1 and 5.2, RFC 8693 section 2.2. */
import { ProviderError, ProviderUnavailableError, type ChallengeParameters } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { withoutQuery, type ProviderAnswer } from '../issuer/provider-answer.js';
import { parseStrictObject } from '../jose/strict-json.js';

export interface IssuedToken {
  readonly accessToken: string;
  /** In seconds; `undefined` if the response has no value, or one that cannot be right. */
  readonly expiresIn: number | undefined;
}

/** What a response must contain. */
export interface Expected {
  /** The token is to be bound to a key (RFC 9449 section 5). */
  readonly dpop: boolean;
  /** The caller's token, if one is exchanged. The response must contain another one. */
  readonly subject: string | undefined;
}

/** RFC 6750 section 2.1: b64token. Other characters cannot be sent in a header. */
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const MAX_TOKEN_LENGTH = 65_536;
/** The form of every registered code. Other values are not repeated, because a provider may put a secret there. */
const ERROR_CODE = /^(?=.{1,60}$)[a-z]+(?:_[a-z]+)*$/;
const UNKNOWN_ERROR = 'unknown_error';
const ISSUED_TYPES: ReadonlySet<unknown> = new Set([
  undefined,
  'urn:ietf:params:oauth:token-type:access_token',
  'urn:ietf:params:oauth:token-type:jwt',
]);

/**
 * Returns the token of a successful response.
 *
 * @throws {ProviderUnavailableError} for a response that cannot be used
 */
export function readIssuedToken({ url, status, body }: ProviderAnswer, expected: Expected): IssuedToken {
  const members = parse(body);
  if (status !== 200) throw unusable(url, `answered ${status} without an OAuth error`);
  if (!members) throw unusable(url, 'did not answer with a JSON object');
  const { access_token: accessToken, token_type: type, issued_token_type: issued } = members;
  if (typeof accessToken !== 'string' || accessToken.length > MAX_TOKEN_LENGTH || !B64TOKEN.test(accessToken))
    throw unusable(url, 'answered without an access_token that can be sent');
  const scheme = expected.dpop ? 'DPoP' : 'Bearer';
  if (typeof type !== 'string' || type.toLowerCase() !== scheme.toLowerCase())
    throw unusable(url, `answered with token_type ${quoteForeign(type)}, expected ${scheme}`);
  if (!ISSUED_TYPES.has(issued))
    throw unusable(
      url,
      `answered with issued_token_type ${quoteForeign(issued)}, which is not an access token`,
    );
  if (accessToken === expected.subject) throw unusable(url, "answered with the caller's own token");
  return { accessToken, expiresIn: readLifetime(members['expires_in']) };
}

/** Returns the OAuth error code of a response (RFC 6749 section 5.2), if it has one; `unknown_error` for a code in another form. */
export function oauthErrorOf({ status, body }: ProviderAnswer): string | undefined {
  if (status < 400) return undefined;
  const error = parse(body)?.['error'];
  if (typeof error !== 'string' || error === '') return undefined;
  return ERROR_CODE.test(error) ? error : UNKNOWN_ERROR;
}

/** Errors that only the operator can correct. */
const OF_THIS_CLIENT: ReadonlySet<string> = new Set([
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
]);
/**
 * Errors that the caller can resolve by signing in again: RFC 9470, and OpenID Connect Core 1.0 section 3.1.2.6, which Microsoft
 * Entra ID also uses at the token endpoint.
 */
const STEP_UP: ReadonlySet<string> = new Set([
  'insufficient_user_authentication',
  'interaction_required',
  'login_required',
  'consent_required',
]);

/**
 * @param advice for the operator: what to check
 * @param hasCaller whether a caller's token was exchanged, so that the caller may be able to resolve the error
 */
export function providerErrorOf(
  error: string,
  { url, status, body }: ProviderAnswer,
  advice: string,
  hasCaller: boolean,
): ProviderError {
  const said = `${withoutQuery(url)} answered ${status} ${error}`;
  if (error === 'temporarily_unavailable') return new ProviderError({ error, status: 503, detail: said });
  if (!hasCaller || OF_THIS_CLIENT.has(error)) {
    return new ProviderError({ error, status: 500, detail: `${said}: check ${advice}` });
  }
  const stepUp = STEP_UP.has(error) ? stepUpParameters(parse(body) ?? {}) : undefined;
  return new ProviderError({ error, status: 403, stepUp, detail: said });
}

/** The characters that a parameter of a challenge may contain (RFC 6750 section 3). */
const QUOTABLE = /^[\x20-\x21\x23-\x5B\x5D-\x7E]{1,500}$/;
const MAX_CLAIMS_LENGTH = 4096;

/**
 * Returns what the authorization server requires of the next sign-in, for the client: `acr_values` and `max_age` (RFC 9470
 * section 3), and the claims challenge of Microsoft Entra ID in base64, the form that its clients read.
 */
function stepUpParameters({
  acr_values: acrValues,
  max_age: maxAge,
  claims,
}: Readonly<Record<string, unknown>>): ChallengeParameters {
  const age = typeof maxAge === 'string' && /^\d{1,10}$/.test(maxAge) ? Number(maxAge) : maxAge;
  const parameters: [string, string][] = [];
  if (typeof acrValues === 'string' && QUOTABLE.test(acrValues)) parameters.push(['acr_values', acrValues]);
  if (Number.isSafeInteger(age) && Number(age) >= 0) parameters.push(['max_age', String(age)]);
  if (typeof claims === 'string' && claims.length <= MAX_CLAIMS_LENGTH)
    parameters.push(['claims', Buffer.from(claims).toString('base64')]);
  return parameters;
}

/** Some providers write the number as a string. */
function readLifetime(expiresIn: unknown): number | undefined {
  const seconds =
    typeof expiresIn === 'string' && /^\d{1,15}$/.test(expiresIn) ? Number(expiresIn) : expiresIn;
  return typeof seconds === 'number' && seconds > 0 ? seconds : undefined;
}

function parse(body: string): Record<string, unknown> | undefined {
  try {
    return parseStrictObject(Buffer.from(body));
  } catch {
    return undefined;
  }
}

function unusable(url: string, reason: string): ProviderUnavailableError {
  return new ProviderUnavailableError({ detail: `${withoutQuery(url)}: ${reason}` });
}
