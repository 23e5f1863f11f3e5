/** Reads the credentials of a GraphQL subscription: `connectionParams` of graphql-transport-ws, or the upgrade request. */
import { InvalidRequestError, invalidToken } from '../errors/auth.errors.js';
import { parseAuthorization, resolveCredentials, type Credentials } from './extract-credentials.js';
import type { IncomingRequest, ResolverOptions } from './incoming-request.js';

/**
 * The credentials of a connection: those of the member `authorization` of its parameters, in any case, whose value is that of
 * a header; else those of the upgrade request.
 *
 * @param params as the client sent them with `connection_init`: anything
 * @throws {InvalidRequestError} for tokens sent in more than one way, also equal ones
 * @throws {TokenError} `invalid_token` for what should hold a token and does not
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
