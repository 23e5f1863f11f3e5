/** Checks the claims of JWTs, of introspection responses and of cached ones in the same way. RFC 7519 section 4.1. */
import { invalidToken } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { AccessTokenClaims } from './access-token-claims.js';
import { isObject } from '../jose/strict-json.js';

export interface ClaimsOptions {
  /**
   * The value that `aud` must contain, character by character: the identifier of this API at the issuer. A
   * list (separated by commas in the variable) accepts any of them.
   */
  readonly audience: string | readonly string[];
  /**
   * How far the clock of this machine is ahead (+) or behind (−), in seconds.
   *
   * @default 0
   */
  readonly clockSkew: number;
  /**
   * Leeway for `exp`, `nbf` and `iat`, in seconds: an expired token is accepted this much longer.
   *
   * @default 300
   */
  readonly clockTolerance: number;
}

/** Tokens have few audiences. Rejecting one with thousands would cost more than accepting a valid token. */
const MAX_AUDIENCES = 256;

/** 9999-12-31T23:59:59Z. Greater values are times in milliseconds. */
const LATEST_TIME = 253_402_300_799;

/** Throws unless the token is valid at this time. Checks everything that can change while a token is cached. */
export function checkTimes(
  claims: Partial<Pick<AccessTokenClaims, 'exp' | 'nbf'>>,
  options: ClaimsOptions,
): void {
  const now = trueTime(options);
  if (claims.exp !== undefined && now >= claims.exp + options.clockTolerance) {
    throw invalidToken('expired', `the token expired ${Math.ceil(now - claims.exp)} s ago`);
  }
  if (claims.nbf !== undefined && now < claims.nbf - options.clockTolerance) {
    throw invalidToken('not_yet_valid', `the token starts in ${Math.ceil(claims.nbf - now)} s`);
  }
}

/** Returns whether {@link checkTimes} would pass. */
export function isCurrent(
  { exp, nbf }: Partial<Pick<AccessTokenClaims, 'exp' | 'nbf'>>,
  options: ClaimsOptions,
): boolean {
  const now = trueTime(options);
  return (
    (exp === undefined || now < exp + options.clockTolerance) &&
    (nbf === undefined || now >= nbf - options.clockTolerance)
  );
}

/** The claims that may be missing: none in a JWT, some in an introspection response (RFC 7662 section 2.2). */
export interface Leniency {
  readonly withoutExp?: boolean;
  readonly withoutAud?: boolean;
}

/** Throws unless audience and times are valid and the registered claims have their types. The issuer is checked separately. */
export function checkClaims(
  claims: Readonly<Record<string, unknown>>,
  options: ClaimsOptions,
  { withoutExp = false, withoutAud = false }: Leniency = {},
): void {
  const { exp = withoutExp ? LATEST_TIME : undefined, nbf, iat, aud } = claims;
  if (exp === undefined) throw invalidToken('claims', 'exp is missing');
  // A NumericDate may have a fraction (RFC 7519 section 2).
  if (typeof exp !== 'number' || !Number.isFinite(exp))
    throw invalidToken('claims', () => `exp is ${quoteForeign(exp)}, not a number of seconds`);
  if (exp < 0) throw invalidToken('claims', () => `exp is ${quoteForeign(exp)}, not a time`);
  if (!isTime(exp))
    throw invalidToken('claims', () => `exp is ${quoteForeign(exp)}, possibly in milliseconds`);
  if (nbf !== undefined && !isTime(nbf))
    throw invalidToken('claims', () => `nbf is ${quoteForeign(nbf)}, not a number of seconds`);
  if (iat !== undefined && !isTime(iat))
    throw invalidToken('claims', () => `iat is ${quoteForeign(iat)}, not a number of seconds`);
  if (aud !== undefined || !withoutAud) checkAudience(aud, options);
  checkTimes({ exp, ...(nbf !== undefined && { nbf }) }, options);
  if (iat !== undefined && trueTime(options) < iat - options.clockTolerance) {
    throw invalidToken(
      'not_yet_valid',
      `iat is ${Math.ceil(iat - trueTime(options))} s in the future: check the clocks`,
    );
  }
  for (const name of ['sub', 'client_id', 'jti'] as const) {
    if (claims[name] !== undefined && typeof claims[name] !== 'string')
      throw invalidToken('claims', `${name} is not a string`);
  }
  if (claims['cnf'] !== undefined && !isObject(claims['cnf']))
    throw invalidToken('claims', 'cnf is not an object');
}

/** Throws unless `iss` equals the issuer, character by character (the comparison of RFC 9207 section 2.4). */
export function checkIssuer(iss: unknown, issuer: string): void {
  if (iss === issuer) return;
  if (iss === undefined) throw invalidToken('issuer', 'iss is missing');
  throw invalidToken(
    'issuer',
    () => `iss is ${quoteForeign(iss)}, expected ${quoteForeign(issuer)}${slashHint(iss, issuer)}`,
  );
}

function checkAudience(aud: unknown, { audience }: ClaimsOptions): void {
  if (aud === undefined) throw invalidToken('audience', 'aud is missing');
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (named.length > MAX_AUDIENCES)
    throw invalidToken('audience', `aud names ${named.length} audiences, more than ${MAX_AUDIENCES}`);
  if (!named.every((each) => typeof each === 'string'))
    throw invalidToken('audience', 'aud is neither a string nor a list of strings');
  const expected = typeof audience === 'string' ? [audience] : audience;
  if (expected.some((each) => named.includes(each))) return;
  throw invalidToken('audience', () => describeAudiences(aud, named, expected));
}

function describeAudiences(aud: unknown, named: readonly unknown[], expected: readonly string[]): string {
  const hint = expected
    .flatMap((each) => named.map((other) => slashHint(other, each)))
    .find((text) => text !== '');
  const wanted = expected.map(quoteForeign).join(' or ');
  return `aud is ${quoteForeign(aud)}, expected ${wanted}${hint ?? ''}`;
}

function slashHint(actual: unknown, expected: string): string {
  const differs = typeof actual === 'string' && (actual === `${expected}/` || `${actual}/` === expected);
  return differs ? ': differs by a trailing slash' : '';
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LATEST_TIME;
}

/** Returns the seconds since 1970, corrected by `clockSkew`. */
export function trueTime({ clockSkew }: Pick<ClaimsOptions, 'clockSkew'>): number {
  return Date.now() / 1000 - clockSkew;
}
