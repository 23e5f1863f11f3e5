/** Reads signed tokens that providers send to this application: logout tokens and Security Event Tokens. */
import { createHash } from 'node:crypto';
import { AuthError, TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { IssuerRegistry } from '../issuer/issuer-registry.js';
import { withoutSlash } from '../issuer/issuer-metadata.js';
import type { TrustedIssuer } from '../issuer/trusted-issuer.js';
import { decodeJwt, type DecodedJwt } from '../jose/decode-jwt.js';
import { trueTime, type ClaimsOptions } from '../token/check-claims.js';
import { isTime } from './revocation.js';

/** What is wrong, in the words of RFC 8935 section 2.4. */
export type ReceivedTokenErrorCode =
  'invalid_request' | 'invalid_key' | 'invalid_issuer' | 'invalid_audience';

/** The token is refused: 400. `message` is a fixed sentence for the sender, `detail` is for the log. */
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

/** @throws {ReceivedTokenError} if it is no JWT of one of these types, in any case and with or without `application/` */
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
 * The issuer of tokens that `iss` names. Nothing is asked for one that is not configured.
 *
 * @throws {ReceivedTokenError} if it is not configured
 */
export async function findSender<Issuer extends TrustedIssuer>(
  issuers: Pick<IssuerRegistry<Issuer>, 'find' | 'known'>,
  iss: unknown,
): Promise<Issuer> {
  if (typeof iss !== 'string') throw unknownIssuer(iss);
  const wanted = withoutSlash(iss);
  // The issuer itself speaks here, whatever its access tokens name.
  const known = issuers.known.find(({ identifier }) => withoutSlash(identifier) === wanted);
  if (known?.isCurrent) return known;
  try {
    return await issuers.find(iss);
  } catch (error) {
    throw error instanceof TokenError ? unknownIssuer(iss) : error;
  }
}

/** @throws {ReceivedTokenError} unless `aud` names one of these, character by character */
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

/** @throws {ReceivedTokenError} unless `iat` is a time that has come, `exp` (if any) one that has not, and there is a `jti` */
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
 * Has the issuer's keys verify the signature, after everything that can be checked without them.
 *
 * @throws {ReceivedTokenError} if no key of the issuer made it, or if `iss` is not exactly the issuer
 * @throws {AuthError} if that cannot be determined now
 */
export async function verifyReceived({ token, claims }: DecodedJwt, issuer: TrustedIssuer): Promise<void> {
  try {
    await issuer.verifySignature(token);
  } catch (error) {
    throw refusalFor(error);
  }
  // The metadata, which comes with the keys, decides about a trailing slash.
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

/** One of a kind for each issuer and token, and of a fixed length, whatever the issuer writes. */
export function idOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

const KEY_REASONS: ReadonlySet<string> = new Set(['algorithm', 'signature', 'unknown_key']);

/** What is wrong with the token is told to the sender; what is wrong here is thrown on. */
function refusalFor(error: unknown): unknown {
  if (!(error instanceof TokenError)) return error;
  const detail = error.detail ?? error.message;
  return KEY_REASONS.has(error.reason)
    ? new ReceivedTokenError('invalid_key', 'The signature of the token does not verify', detail)
    : new ReceivedTokenError('invalid_request', 'The token is malformed', detail);
}

/** Whether the token could not be verified, or the revocation not be stored, for now: 503. */
export function isUnavailable(error: unknown): error is AuthError {
  return error instanceof AuthError && error.status >= 500;
}
