/**
 * Reads the credentials of a GraphQL subscription from `connectionParams` of graphql-transport-ws, or from the upgrade request.
 */
import { InvalidRequestError, invalidToken } from '../errors/auth.errors.js';
import { parseAuthorization, resolveCredentials, type Credentials } from './extract-credentials.js';
import type { IncomingRequest, ResolverOptions } from './incoming-request.js';

/**
 * Returns the credentials of a connection: those in the member `authorization` of its parameters (the name in any case, the value
 * in the format of the header), otherwise those of the upgrade request.
 *
 * @param params as the client sent them with `connection_init`; they can be any value
 * @throws {InvalidRequestError} for tokens that are sent in more than one way, even if they are equal
 * @throws {TokenError} `invalid_token` if a value that must contain a token does not
 */
export function resolveConnectionCredentials(
  params: unknown,
  upgrade: IncomingRequest,
  options: ResolverOptions,
): Credentials | undefined | Promise<Credentials | undefined> {
  const inParams = extractFromParams(params);
  const inRequest = resolveCredentials(upgrade, options);
  return inRequest instanceof Promise
    ? inRequest.then((found) => onlyOne(inParams, found))
    : onlyOne(inParams, inRequest);
}

function extractFromParams(params: unknown): Credentials | undefined {
  if (params === undefined || params === null) return undefined;
  if (typeof params !== 'object' || Array.isArray(params))
    throw invalidToken('malformed', 'connectionParams is not an object');
  const [name, ...more] = Object.keys(params).filter((key) => key.toLowerCase() === 'authorization');
  if (name === undefined) return undefined;
  if (more.length > 0)
    throw new InvalidRequestError({ detail: 'connectionParams has two members "authorization"' });
  const value = (params as Readonly<Record<string, unknown>>)[name];
  if (typeof value !== 'string')
    throw invalidToken('malformed', 'connectionParams.authorization is not a string');
  return parseAuthorization(value);
}

function onlyOne(first: Credentials | undefined, second: Credentials | undefined): Credentials | undefined {
  if (first && second) {
    throw new InvalidRequestError({ detail: 'connectionParams and the upgrade request both have a token' });
  }
  return first ?? second;
}
