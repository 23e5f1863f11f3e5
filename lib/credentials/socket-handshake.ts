/** Reads the credentials of a WebSocket handshake from the upgrade request, `auth` of socket.io, or the subprotocols of `ws`. */
import { InvalidRequestError, invalidToken, type TokenError } from '../errors/auth.errors.js';
import { resolveCredentials, type Credentials } from './extract-credentials.js';
import { headerLinesOf, type IncomingRequest, type ResolverOptions } from './incoming-request.js';

/** What a client sent when it connected, in addition to the request. */
export type SocketParams =
  /** socket.io: `auth` as the client sent it, which can be any value. */
  | { readonly kind: 'socket.io'; readonly auth: unknown }
  /** `ws`: nothing in addition to the request. */
  | { readonly kind: 'ws' };

export interface SocketHandshake {
  /** The HTTP request that opened the connection. Replaced by an empty one when it is no longer needed. */
  readonly request: IncomingRequest;
  /** What the client sent in addition to the request; once its token is accepted, the validated token. */
  readonly params: SocketParams | { readonly token: string };
  /** `undefined` until a token is accepted. */
  readonly credentials: Credentials | undefined;
  /** The object that represents the sender of all messages: the namespaces of a socket.io connection share it. */
  readonly sender: object;
  /** Headers of the response to the upgrade request; `undefined` once the response is sent. */
  readonly answerHeaders: Map<string, string | readonly string[]> | undefined;
}

/** A symbol, so that no message can set this property. */
const HANDSHAKE = Symbol('nestjs-resource-server:handshake');

interface Client {
  [HANDSHAKE]?: SocketHandshake;
}

export function attachHandshake(client: object, handshake: SocketHandshake): void {
  (client as Client)[HANDSHAKE] = handshake;
}

export function handshakeOf(client: unknown): SocketHandshake | undefined {
  return typeof client === 'object' && client !== null ? (client as Client)[HANDSHAKE] : undefined;
}

/** Whether the credentials are known. Only for gateways: connections of other transports contain only what the client sent. */
export function isKnown(handshake: { readonly params: unknown } | undefined): boolean {
  return (handshake as SocketHandshake | undefined)?.credentials !== undefined;
}

/**
 * Returns the credentials of a handshake.
 *
 * @throws {InvalidRequestError} for tokens that are sent in more than one way, even if they are equal
 * @throws {TokenError} `invalid_token` if a value that must contain a token does not
 */
export function resolveSocketCredentials(
  { params, credentials }: Pick<SocketHandshake, 'params' | 'credentials'>,
  request: IncomingRequest,
  options: ResolverOptions,
): Credentials | undefined | Promise<Credentials | undefined> {
  if (credentials || !('kind' in params)) return credentials;
  const beside = params.kind === 'ws' ? extractFromSubprotocols(request) : extractFromAuth(params.auth);
  const inRequest = resolveCredentials(request, options);
  return inRequest instanceof Promise
    ? inRequest.then((found) => onlyOne(beside, found))
    : onlyOne(beside, inRequest);
}

/** Reads the member `token` of socket.io's `auth`, which is a token without a scheme. */
function extractFromAuth(auth: unknown): Credentials | undefined {
  if (typeof auth !== 'object' || auth === null || !Object.hasOwn(auth, 'token')) return undefined;
  const { token } = auth as { readonly token: unknown };
  if (token === undefined || token === null) return undefined;
  return bareToken(token, 'auth.token');
}

/** The subprotocol before the token. */
export const BEARER_SUBPROTOCOL = 'bearer';

export function subprotocolsOf(request: IncomingRequest): readonly string[] {
  return headerLinesOf(request, 'sec-websocket-protocol').flatMap((line) =>
    line.split(',').map((each) => each.trim()),
  );
}

/** Reads `Sec-WebSocket-Protocol: bearer, <token>`. Subprotocols of the application must come before. */
function extractFromSubprotocols(request: IncomingRequest): Credentials | undefined {
  const offered = subprotocolsOf(request);
  const index = offered.indexOf(BEARER_SUBPROTOCOL);
  if (index === -1) return undefined;
  if (offered.length > index + 2)
    throw new InvalidRequestError({ detail: 'the subprotocols name more than one token' });
  return bareToken(offered[index + 1] ?? '', 'the subprotocol after "bearer"');
}

/** Checks that the value is one token without a scheme: a b64token has no spaces (RFC 6750 section 2.1), and is not a list. */
export function bareToken(token: unknown, place: string): Credentials {
  if (Array.isArray(token) && token.length > 1)
    throw new InvalidRequestError({ detail: `${place} contains ${token.length} tokens` });
  if (typeof token !== 'string') throw malformed(`${place} is not a string`);
  if (token.includes(',')) throw new InvalidRequestError({ detail: `${place} is a list` });
  if (token === '' || /\s/.test(token)) throw malformed(`${place} is not one token`);
  return { scheme: 'Bearer', token };
}

const malformed = (detail: string): TokenError => invalidToken('malformed', detail);

function onlyOne(
  beside: Credentials | undefined,
  inRequest: Credentials | undefined,
): Credentials | undefined {
  if (beside && inRequest) {
    throw new InvalidRequestError({
      detail: 'the handshake has a token in the upgrade request and another one',
    });
  }
  return beside ?? inRequest;
}
