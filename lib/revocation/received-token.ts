/** Validates signed tokens that providers send to this application: logout tokens and Security Event Tokens. */
import { createHash } from 'node:crypto';
import { AuthError, TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { IssuerRegistry } from '../issuer/issuer-registry.js';
import { withoutSlash } from '../issuer/issuer-metadata.js';
import type { TrustedIssuer } from '../issuer/trusted-issuer.js';
import { decodeJwt, type DecodedJwt } from '../jose/decode-jwt.js';
import { trueTime, type ClaimsOptions } from '../token/check-claims.js';
import { isTime } from './revocation.js';

/** The error codes of RFC 8935 section 2.4. */
export type ReceivedTokenErrorCode =
  'invalid_request' | 'invalid_key' | 'invalid_issuer' | 'invalid_audience';

/** The token is rejected with 400. `message` is a fixed sentence for the sender, `detail` is for the log. */
export class ReceivedTokenError extends Error {
  readonly detail: string;

  constructor(
    readonly code: ReceivedTokenErrorCode,
    message: string,
    detail: string = message,
  ) {
    super(message);
    this.name = 'ReceivedTokenError';
    this.detail = detail;
  }
}

export type ReceivingOptions = Pick<ClaimsOptions, 'clockSkew' | 'clockTolerance'>;

/** @throws {ReceivedTokenError} unless it is a JWT with one of these types, in any case and with or without `application/` */
export function decodeReceived(token: string, types: readonly (string | undefined)[]): DecodedJwt {
  let jwt: DecodedJwt;
  try {
    jwt = decodeJwt(token);
  } catch (error) {
    throw refusalFor(error);
  }
  const { typ } = jwt.header;
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
  if (!types.some((each) => each === type)) {
    throw new ReceivedTokenError(
      'invalid_request',
      'The token has another type (typ)',
      `typ is ${quoteForeign(typ)}`,
    );
  }
  return jwt;
}

/**
 * Returns the configured issuer for `iss`. No provider is called for an issuer that is not configured.
 *
 * @throws {ReceivedTokenError} if it is not configured
 */
export async function findSender<Issuer extends TrustedIssuer>(
  issuers: Pick<IssuerRegistry<Issuer>, 'find' | 'known'>,
  iss: unknown,
): Promise<Issuer> {
  if (typeof iss !== 'string') throw unknownIssuer(iss);
  const wanted = withoutSlash(iss);
  // These tokens contain the identifier of the issuer itself, even if its access tokens have another `iss`.
  const known = issuers.known.find(({ identifier }) => withoutSlash(identifier) === wanted);
  if (known?.isCurrent) return known;
  try {
    return await issuers.find(iss);
  } catch (error) {
    throw error instanceof TokenError ? unknownIssuer(iss) : error;
  }
}

/** @throws {ReceivedTokenError} unless `aud` contains one of these values, compared character by character */
export function checkAudience({ aud }: DecodedJwt['claims'], expected: readonly string[]): void {
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (named.every((each) => typeof each === 'string') && expected.some((each) => named.includes(each)))
    return;
  throw new ReceivedTokenError(
    'invalid_audience',
    'The token is for another audience (aud)',
    `aud is ${quoteForeign(aud)}, expected ${expected.map(quoteForeign).join(' or ')}`,
  );
}

/** @throws {ReceivedTokenError} unless `iat` is in the past, `exp` (if present) is in the future, and there is a `jti` */
export function checkIssuance(
  { iat, exp, jti }: DecodedJwt['claims'],
  options: ReceivingOptions,
): { readonly iat: number; readonly exp: number | undefined; readonly jti: string } {
  const now = trueTime(options);
  if (!isTime(iat)) throw malformed('The token has no time of issuance (iat)');
  if (iat > now + options.clockTolerance) throw malformed('The token is issued in the future (iat)');
  if (exp !== undefined && !isTime(exp)) throw malformed('The token has an invalid time of expiry (exp)');
  if (exp !== undefined && now >= exp + options.clockTolerance) throw malformed('The token expired (exp)');
  if (typeof jti !== 'string' || jti === '') throw malformed('The token has no identifier (jti)');
  return { iat, exp, jti };
}

/**
 * Verifies the signature with the issuer's keys. Call it after all checks that need no keys.
 *
 * @throws {ReceivedTokenError} if no key of the issuer verifies the signature, or if `iss` is not exactly the issuer
 * @throws {AuthError} if the signature cannot be verified now
 */
export async function verifyReceived({ token, claims }: DecodedJwt, issuer: TrustedIssuer): Promise<void> {
  try {
    await issuer.verifySignature(token);
  } catch (error) {
    throw refusalFor(error);
  }
  // The metadata, which is fetched with the keys, determines whether there is a trailing slash.
  if (claims['iss'] !== issuer.identifier) throw unknownIssuer(claims['iss']);
}

export const malformed = (message: string): ReceivedTokenError =>
  new ReceivedTokenError('invalid_request', message);

export const unknownIssuer = (iss: unknown): ReceivedTokenError =>
  new ReceivedTokenError(
    'invalid_issuer',
    'The issuer of the token is not accepted (iss)',
    `iss is ${quoteForeign(iss)}`,
  );

/** Returns an `id` that is unique for each issuer and token, and of a fixed length whatever the issuer writes. */
export function idOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

const KEY_REASONS: ReadonlySet<string> = new Set(['algorithm', 'signature', 'unknown_key']);

/** Converts errors of the token into the error that the sender receives. Returns all other errors unchanged. */
function refusalFor(error: unknown): unknown {
  if (!(error instanceof TokenError)) return error;
  const detail = error.detail ?? error.message;
  return KEY_REASONS.has(error.reason)
    ? new ReceivedTokenError('invalid_key', 'The signature of the token does not verify', detail)
    : new ReceivedTokenError('invalid_request', 'The token is malformed', detail);
}

/** Whether the token cannot be verified now, or the revocation cannot be stored now: 503. */
export function isUnavailable(error: unknown): error is AuthError {
  return error instanceof AuthError && error.status >= 500;
}
