/** One connection of a WebSocket gateway, with its handshake and its token; it ends with the token. */
import { channel } from 'node:diagnostics_channel';
import type { Credentials } from '../../credentials/extract-credentials.js';
import type { IncomingRequest } from '../../credentials/incoming-request.js';
import { handshakeOf, type SocketHandshake, type SocketParams } from '../../credentials/socket-handshake.js';
import type { AuthError } from '../../errors/auth.errors.js';
import type { ValidatedToken } from '../../token/validated-token.js';
import type { AccessTokenClaims } from '../../token/access-token-claims.js';
import type { OpenStream, OpenStreams } from '../streams/open-streams.js';
import type { Place } from './places.js';

/**
 * The `diagnostics_channel` of the connections of gateways, when they open, change and close: {@link ConnectionEvent}.
 */
export const CONNECTION_CHANNEL = 'nestjs-resource-server:connection';

/** One change of a connection. Every member has few possible values, and none comes from the client. */
export interface ConnectionEvent {
  /** `ended`: the module ends the connection, because its token ended; `closed` follows. */
  readonly change: 'opened' | 'authenticated' | 'renewed' | 'ended' | 'closed';
  /** `token`: the connection has a valid token; `anonymous`: it has none. */
  readonly state: 'token' | 'anonymous';
  /** For `ended`: `expired` or `revoked`. */
  readonly reason: string | undefined;
  /** The path or namespace of the gateway: `/chat`. */
  readonly place: string;
  /** The configured name of the issuer; `undefined` without a token. */
  readonly issuer: string | undefined;
}

const connections = channel(CONNECTION_CHANNEL);

/** Replaces the request of a connection that no longer needs it. */
const NO_REQUEST: IncomingRequest = Object.freeze({ headers: Object.freeze({}) });

/** There may be ten thousand connections, so each has no closures, and is itself the entry among the open streams. */
export abstract class Connection implements SocketHandshake, OpenStream {
  endsAt = 0;
  position = -1;
  request: IncomingRequest;
  answerHeaders: Map<string, string | readonly string[]> | undefined = new Map();
  readonly sender: object;
  clockTolerance: number | undefined;
  #presented: SocketParams | undefined;
  #client: object | undefined;
  #token: ValidatedToken | undefined;
  #hasEnded = false;

  constructor(
    readonly place: Place,
    request: IncomingRequest,
    params: SocketParams,
    sender?: object,
  ) {
    this.request = request;
    this.#presented = params;
    this.sender = sender ?? this;
  }

  /** Notifies the client and disconnects it. */
  protected abstract disconnect(client: object, error: AuthError): void;

  /** The token with which the connection was opened, authenticated or renewed. */
  get token(): ValidatedToken | undefined {
    return this.#token;
  }

  get params(): SocketHandshake['params'] {
    // One of the two is always set.
    return this.#token ?? (this.#presented as SocketParams);
  }

  get credentials(): Credentials | undefined {
    if (!this.#token) return undefined;
    const { token, claims } = this.#token;
    // The binding of the token determines the scheme: with another one, it would not have been admitted.
    return { scheme: claims.cnf?.jkt === undefined ? 'Bearer' : 'DPoP', token };
  }

  /** `undefined` before the connection opens and after it closes. */
  get client(): object | undefined {
    return this.#client;
  }

  get isOpen(): boolean {
    return this.#client !== undefined;
  }

  /** The token has ended: messages that arrive before the client has disconnected are rejected. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get issuer(): string {
    return this.#token?.issuer.name ?? '';
  }

  get claims(): AccessTokenClaims {
    // The open streams read this, and contain only connections with a token.
    return (this.#token as ValidatedToken).claims;
  }

  /**
   * Stores the token when the guard has admitted the handshake or a message.
   *
   * @param clockTolerance how long tokens of the issuer are valid after their `exp`, in seconds
   */
  admit(token: ValidatedToken, clockTolerance: number, streams: OpenStreams): void {
    if (this.#token) return;
    this.#token = token;
    this.clockTolerance = clockTolerance;
    // The token replaces what the client sent.
    this.#presented = undefined;
    if (!this.isOpen) return;
    streams.open(this);
    this.#publish('authenticated');
  }

  open(client: object, streams: OpenStreams): void {
    this.#client = client;
    this.answerHeaders = undefined;
    if (this.#token) streams.open(this);
    this.#publish('opened');
  }

  /** Replaces the token with another one of the same caller. */
  renew(token: ValidatedToken, clockTolerance: number, streams: OpenStreams): void {
    streams.close(this);
    this.#token = token;
    this.clockTolerance = clockTolerance;
    streams.open(this);
    this.#publish('renewed');
  }

  close(streams: OpenStreams): void {
    if (!this.isOpen) return;
    this.#client = undefined;
    if (this.#token) streams.close(this);
    this.#publish('closed');
  }

  /** Called by {@link OpenStreams} when the token ends. */
  end(error: AuthError): void {
    const client = this.#client;
    if (!client) return;
    this.#hasEnded = true;
    this.#publish('ended', error.reason);
    this.disconnect(client, error);
  }

  /** Releases the request once the credentials are known: it would live as long as the connection, which may be days. */
  forgetRequest(): void {
    if (!this.place.keepsRequest) this.request = NO_REQUEST;
  }

  #publish(change: ConnectionEvent['change'], reason?: string): void {
    if (!connections.hasSubscribers) return;
    connections.publish({
      change,
      state: this.#token ? 'token' : 'anonymous',
      reason,
      place: this.place.name,
      issuer: this.#token && this.issuer,
    } satisfies ConnectionEvent);
  }
}

export function connectionOf(client: unknown): Connection | undefined {
  const handshake = handshakeOf(client);
  return handshake instanceof Connection ? handshake : undefined;
}
