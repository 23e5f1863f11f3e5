/** Reads the credentials of a WebSocket handshake: of the upgrade request, of socket.io's `auth`, of the subprotocols of `ws`. */
import { InvalidRequestError, invalidToken, type TokenError } from '../errors/auth.errors.js';
import { resolveCredentials, type Credentials } from './extract-credentials.js';
import { headerLinesOf, type IncomingRequest, type ResolverOptions } from './incoming-request.js';

/** What a client presented when it connected. */
export type SocketParams =
  /** socket.io: what the client sent as `auth`: anything. */
  | { readonly kind: 'socket.io'; readonly auth: unknown }
  /** `ws`: there is nothing beside the request. */
  | { readonly kind: 'ws' };

export interface SocketHandshake {
  /** The HTTP request that opened the connection. Later an empty one, where nothing of it is needed any more. */
  readonly request: IncomingRequest;
  /** What the client presented beside the request; when the credentials are known, what stands for them. */
  readonly params: SocketParams | { readonly token: string };
  /** `undefined` until they are known. */
  readonly credentials: Credentials | undefined;
  /** What stands for the sender of everything that comes this way: the namespaces of a socket.io connection share it. */
  readonly sender: object;
  /** Headers of the answer to the upgrade request; `undefined` once it was answered. */
  readonly answerHeaders: Map<string, string | readonly string[]> | undefined;
}

/** A symbol: no message can bring a property of this name. */
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

/** Of the handshake of a WebSocket connection only: what others connect with is the client's own. */
export function isKnown(handshake: { readonly params: unknown } | undefined): boolean {
  return (handshake as SocketHandshake | undefined)?.credentials !== undefined;
}

/**
 * The credentials of a handshake.
 *
 * @throws {InvalidRequestError} for tokens sent in more than one way, also equal ones
 * @throws {TokenError} `invalid_token` for what should hold a token and does not
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

/** The member `token` of socket.io's `auth`: the bare token. */
function extractFromAuth(auth: unknown): Credentials | undefined {
  if (typeof auth !== 'object' || auth === null || !Object.hasOwn(auth, 'token')) return undefined;
  const { token } = auth as { readonly token: unknown };
  if (token === undefined || token === null) return undefined;
  return bareToken(token, 'auth.token');
}

/** The subprotocol that says that the next one is a token. */
export const BEARER_SUBPROTOCOL = 'bearer';

export function subprotocolsOf(request: IncomingRequest): readonly string[] {
  return headerLinesOf(request, 'sec-websocket-protocol').flatMap((line) =>
    line.split(',').map((each) => each.trim()),
  );
}

/** `Sec-WebSocket-Protocol: bearer, <token>`; protocols of the application stand before. */
function extractFromSubprotocols(request: IncomingRequest): Credentials | undefined {
  const offered = subprotocolsOf(request);
  const index = offered.indexOf(BEARER_SUBPROTOCOL);
  if (index === -1) return undefined;
  if (offered.length > index + 2)
    throw new InvalidRequestError({ detail: 'the subprotocols name more than one token' });
  return bareToken(offered[index + 1] ?? '', 'the subprotocol after "bearer"');
}

/** RFC 6750 section 2.1: b64token has no spaces, and a list is no token. */
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
