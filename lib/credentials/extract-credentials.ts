/** Extracts credentials from the Authorization header, and from no other place. RFC 6750 section 2, RFC 9449 section 7.1. */
import { invalidToken, InvalidRequestError, TokenError } from '../errors/auth.errors.js';
import { isThenable } from '../timing/when-ready.js';
import { rawHeadersOf, type IncomingRequest, type ResolverOptions } from './incoming-request.js';
import { forApplication } from './received-request.js';

export interface Credentials {
  readonly scheme: 'Bearer' | 'DPoP';
  readonly token: string;
}

/**
 * Returns the credentials from the `tokenResolver`, if one is configured, otherwise from the header. Returns a promise only if
 * the resolver does.
 */
export function resolveCredentials(
  request: IncomingRequest,
  { tokenResolver }: ResolverOptions,
): Credentials | undefined | Promise<Credentials | undefined> {
  if (!tokenResolver) return extractCredentials(request);
  const token = resolvedToken(tokenResolver(forApplication(request)), 'tokenResolver');
  return token instanceof Promise
    ? token.then((resolved) => credentialsOf(resolved, request))
    : credentialsOf(token, request);
}

function credentialsOf(token: string | undefined, request: IncomingRequest): Credentials | undefined {
  if (token === undefined) return undefined;
  const header = fromHeader.get(request);
  return header?.token === token ? header : { scheme: 'Bearer', token };
}

/**
 * Returns the token that a resolver of the application returned; `undefined` also for `null` and an empty string.
 *
 * @param option the name of the resolver, for error messages
 * @throws {InvalidRequestError} for a list of several tokens
 * @throws {TokenError} `invalid_token` for a list of one, and for an object
 * @throws {TypeError} for any other value that is not a string
 */
export function resolvedToken(
  found: unknown,
  option: string,
): string | undefined | Promise<string | undefined> {
  return isThenable(found)
    ? Promise.resolve(found).then((resolved) => tokenIn(resolved, option))
    : tokenIn(found, option);
}

function tokenIn(found: unknown, option: string): string | undefined {
  if (found === undefined || found === null || found === '') return undefined;
  if (typeof found === 'object') throw manyOrNone(found, option);
  if (typeof found !== 'string') throw new TypeError(`${option} did not return a string`);
  return found;
}

/** What {@link bearerToken} read, so that a DPoP-bound token that a resolver takes from the header keeps its scheme. */
const fromHeader = new WeakMap<IncomingRequest, Credentials>();

/**
 * Returns the token of the `Authorization` header, read as without a `tokenResolver`: the schemes Bearer and DPoP, one header, one
 * token (RFC 6750 section 2.1). `undefined` without a header, or for another scheme. The token is not validated.
 *
 * @throws {InvalidRequestError} for tokens that are sent in more than one way, or more than once
 * @throws {TokenError} `invalid_token` for a malformed header
 *
 * @example A cookie, else the header, with the `Request` of Express:
 * ```ts
 * tokenResolver: (request: Request) => request.cookies.token ?? bearerToken(request)
 * ```
 */
export function bearerToken(request: IncomingRequest): string | undefined {
  const credentials = extractCredentials(request);
  if (credentials) fromHeader.set(request, credentials);
  return credentials?.token;
}

/**
 * Returns the error for a list or an object. Parsers of queries, cookies and forms create these from parameters that a client
 * repeats or nests (`access_token=a&access_token=b`, `access_token[x]=a`): it is an error of the client, not of the resolver.
 */
function manyOrNone(token: object, option: string): InvalidRequestError | TokenError {
  if (Array.isArray(token) && token.length > 1)
    return new InvalidRequestError({ detail: `${option} returned ${token.length} tokens` });
  return invalidToken('malformed', `${option} returned a list or an object, not a token`);
}

/**
 * Returns the credentials of a request; `undefined` if it has none, or credentials of another scheme, which this library does not
 * check. The token is not decoded.
 *
 * @param header the first line of `Authorization`
 * @throws {InvalidRequestError} for tokens that are sent in more than one way, or more than once
 * @throws {TokenError} `invalid_token` for a malformed header with the scheme Bearer or DPoP
 */
export function extractCredentials(
  request: IncomingRequest,
  header = request.headers.authorization,
): Credentials | undefined {
  if (header === undefined) return undefined;
  refuseRepeatedHeader(request);
  const credentials = parseAuthorization(header);
  if (credentials) refuseSecondWay(request);
  return credentials;
}

/**
 * Returns the credentials in the value of an `Authorization` header; `undefined` for another scheme.
 *
 * @throws {InvalidRequestError} for a list
 * @throws {TokenError} `invalid_token` for a malformed value with the scheme Bearer or DPoP
 */
export function parseAuthorization(header: string): Credentials | undefined {
  const space = header.indexOf(' ');
  const scheme = schemeOf(space === -1 ? header : header.slice(0, space));
  if (!scheme) {
    refuseMisspelt(header);
    return undefined;
  }
  const token = space === -1 ? '' : afterSpaces(header, space);
  if (token.includes(',')) throw new InvalidRequestError({ detail: 'the Authorization header is a list' });
  if (token === '' || token.includes(' ')) throw malformed();
  return { scheme, token };
}

/** Compares the scheme case-insensitively (RFC 9110 section 11.1). */
function schemeOf(name: string): Credentials['scheme'] | undefined {
  if (name === 'Bearer') return name;
  const lower = name.toLowerCase();
  return lower === 'bearer' ? 'Bearer' : lower === 'dpop' ? 'DPoP' : undefined;
}

const malformed = (): TokenError =>
  new TokenError('invalid_token', {
    detail: 'the Authorization header is not "Bearer", one space, one token',
  });

/**
 * Matches `Bearer:`, `Bearer=` and similar values. They are not another scheme, because a scheme is a token (RFC 9110 section
 * 5.6.2), so the request must not count as anonymous.
 */
const MISSPELT = /^(?:bearer|dpop)[^A-Za-z0-9!#$%&'*+.^_`|~ -]/i;

function refuseMisspelt(header: string): void {
  if (!MISSPELT.test(header)) return;
  throw header.includes(',')
    ? new InvalidRequestError({ detail: 'the Authorization header is a list' })
    : malformed();
}

/** RFC 6750 section 2.1: "Bearer" 1*SP b64token. */
function afterSpaces(header: string, space: number): string {
  let start = space + 1;
  while (header.charCodeAt(start) === 0x20) start++;
  return header.slice(start);
}

/** Rejects several Authorization headers: Node keeps the first and drops the rest, but a proxy may keep the last. */
function refuseRepeatedHeader(request: IncomingRequest): void {
  const raw = rawHeadersOf(request);
  let found = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i];
    if (name?.length === 13 && name.toLowerCase() === 'authorization' && ++found > 1) {
      throw new InvalidRequestError({ detail: 'the request has two Authorization headers' });
    }
  }
}

/** RFC 6750 section 2: clients must not use more than one method to transmit the token in each request. */
function refuseSecondWay(request: IncomingRequest): void {
  const inForm =
    hasAccessToken(request.body) &&
    request.headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded') === true;
  // The URL is checked first, because Express parses the query on each access.
  const inQuery = request.url?.includes('?') !== false && hasAccessToken(request.query);
  if (inForm || inQuery) {
    throw new InvalidRequestError({ detail: 'access_token is sent in addition to the Authorization header' });
  }
}

function hasAccessToken(parameters: unknown): boolean {
  return typeof parameters === 'object' && parameters !== null && Object.hasOwn(parameters, 'access_token');
}
