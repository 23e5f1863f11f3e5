/** Guards a namespace of socket.io: the guard runs before a client is connected, joins a room or receives missed events. */
import { Logger } from '@nestjs/common';
import type { IncomingRequest } from '../../credentials/incoming-request.js';
import { viewOf } from '../../credentials/received-request.js';
import { handshakeOf, type SocketParams } from '../../credentials/socket-handshake.js';
import { ConfigurationError, type AuthError } from '../../errors/auth.errors.js';
import { refusalFor } from '../../errors/refusal.js';
import type { SocketRefusal } from '../../transport/ws.transport.js';
import { adopt, noChallenge, type Admissions } from './admission.js';
import { Connection, connectionOf } from './connection.js';

/** A connection, which may have a socket in each of several namespaces. */
interface IoClient {
  readonly request?: IncomingRequest;
  readonly sockets?: { readonly size: number };
}

export interface IoSocket {
  readonly handshake: { readonly auth: unknown };
  readonly client: IoClient;
  emit(event: string, payload: unknown): unknown;
  disconnect(close?: boolean): unknown;
  on(event: 'disconnecting', listener: (this: IoSocket) => void): unknown;
}

type Next = (error?: Error) => void;

/** The part of a namespace that is used. */
export interface IoNamespace {
  readonly name: string;
  readonly server: IoServer;
  use(middleware: (socket: IoSocket, next: Next) => void): unknown;
  on(event: 'connection', listener: (socket: IoSocket) => void): unknown;
}

interface IoServer {
  readonly sockets: IoNamespace & { on(event: 'new_namespace', listener: (made: object) => void): unknown };
  readonly opts?: { readonly connectionStateRecovery?: unknown };
  of(name: string): IoNamespace;
}

/** Returns the default namespace of a socket.io server, or the namespace that an adapter created; otherwise `undefined`. */
export function namespaceOf(server: unknown): IoNamespace | undefined {
  const { of: find, sockets, use, server: parent, name } = server as Partial<IoServer & IoNamespace>;
  if (typeof find === 'function' && isNamespace(sockets)) return sockets;
  return typeof use === 'function' && typeof name === 'string' && parent
    ? (server as IoNamespace)
    : undefined;
}

function isNamespace(value: unknown): value is IoServer['sockets'] {
  return typeof value === 'object' && value !== null && typeof (value as IoNamespace).use === 'function';
}

export function guardNamespace(namespace: IoNamespace, admissions: Admissions): void {
  const decide: Decide = async (carrier, client, auth) => {
    // Over WebTransport there is no request.
    const request = client.request ? viewOf(client.request) : { headers: {} };
    const params: SocketParams = { kind: 'socket.io', auth };
    // All namespaces of a connection share the client.
    const connection = new IoConnection(admissions.place, request, params, client);
    return admissions.refusalOf(connection, carrier);
  };
  const admit = async (socket: IoSocket, next: Next): Promise<void> => {
    let refused: Error | undefined;
    try {
      const refusal = await decide(socket, socket.client, socket.handshake.auth);
      refused = refusal && connectError(refusal);
    } catch (error) {
      admissions.failed(error);
      refused = new Error('internal server error');
    }
    next(refused);
  };
  // One function for all clients, not a closure for each.
  function onDisconnecting(this: IoSocket): void {
    const connection = connectionOf(this);
    if (connection) admissions.closed(connection);
  }
  namespace.use((socket, next) => void admit(socket, next));
  namespace.on('connection', (socket) => {
    const connection = connectionOf(socket);
    if (!connection) {
      // The guard has not run for this client.
      socket.disconnect(true);
      return;
    }
    admissions.opened(socket, connection);
    // Not the following event `disconnect`: Nest has two listeners for it, and a list of three takes more memory.
    socket.on('disconnecting', onDisconnecting);
  });
  if (namespace.server.opts?.connectionStateRecovery) guardRecoveries(namespace, decide);
}

function connectError({ statusCode, message, errorCode }: SocketRefusal): Error {
  return Object.assign(new Error(message), { data: { statusCode, message, errorCode } });
}

const log = new Logger('AuthModule');

class IoConnection extends Connection {
  /** Closes the connection only with its last namespace: the token of another namespace may still be valid. */
  protected override disconnect(client: object, error: AuthError): void {
    const socket = client as IoSocket;
    const { statusCode, message, errorCode } = refusalFor(error, noChallenge);
    try {
      socket.emit('exception', { status: 'error', statusCode, message, errorCode });
    } catch (cause) {
      // A listener of the application (`onAnyOutgoing`) has thrown. The client is disconnected nevertheless.
      log.error('a client was not told that its token ended, because something failed', String(cause));
    }
    socket.disconnect(socket.client.sockets?.size === 1);
  }
}

// Connection state recovery: socket.io restores the rooms and the missed events of a session before any middleware runs, and
// by default runs no middleware. It does not check to whom the session belongs.

type Decide = (carrier: object, client: IoClient, auth: unknown) => Promise<SocketRefusal | undefined>;

interface ConnectingClient extends IoClient {
  _packet(packet: { readonly type: number; readonly nsp: string; readonly data: unknown }): void;
}

interface Session {
  readonly sid: string;
  /** Added by this module. */
  readonly [OWNER]?: string | undefined;
}

interface SessionAdapter {
  persistSession(session: Session): unknown;
  restoreSession(pid: string, offset: string): Promise<Session | null | undefined>;
}

interface RecoveringNamespace extends IoNamespace {
  readonly adapter: SessionAdapter;
  readonly sockets: ReadonlyMap<string, object>;
  readonly children?: ReadonlySet<object>;
  _add?(client: ConnectingClient, auth: unknown, done: (socket: IoSocket) => void): unknown;
}

const CONNECT_ERROR = 4;
/** A member of a session. A string, because an adapter may write sessions to a store. */
const OWNER = 'nestjs-resource-server:owner';

function guardRecoveries(namespace: IoNamespace, decide: Decide): void {
  const guarded = namespace as RecoveringNamespace;
  if (!guarded.children) return guardRecovery(guarded, decide);
  // For a pattern, each matching namespace is created when its first client connects.
  namespace.server.sockets.on('new_namespace', (made) => {
    if (guarded.children?.has(made)) guardRecovery(made as RecoveringNamespace, decide);
  });
}

/** @throws {ConfigurationError} for a version of socket.io with other internals: its recoveries would bypass the guard */
function guardRecovery(namespace: RecoveringNamespace, decide: Decide): void {
  const add = namespace._add?.bind(namespace);
  if (!add) {
    throw new ConfigurationError(
      'AuthModule: connectionStateRecovery of this version of socket.io cannot be guarded; leave it out',
    );
  }
  const watched = new WeakSet<object>();
  let asking: string | undefined;
  const watch = (adapter: SessionAdapter): void => {
    if (watched.has(adapter)) return;
    watched.add(adapter);
    const persist = adapter.persistSession.bind(adapter);
    const restore = adapter.restoreSession.bind(adapter);
    adapter.persistSession = (session) =>
      persist({ ...session, [OWNER]: ownerOf(namespace.sockets.get(session.sid)) });
    adapter.restoreSession = async (pid, offset) => {
      const owner = asking;
      const session = await restore(pid, offset);
      return session && owner !== undefined && session[OWNER] === owner ? session : undefined;
    };
  };

  namespace._add = async (client, auth, done) => {
    watch(namespace.adapter);
    if (!asksForSession(auth)) return add(client, auth, done);
    const standIn = {};
    const refusal = await decide(standIn, client, auth);
    if (refusal) {
      const { message, data } = connectError(refusal) as Error & { readonly data: unknown };
      return client._packet({ type: CONNECT_ERROR, nsp: namespace.name, data: { message, data } });
    }
    // Read by restoreSession(), which socket.io calls before it awaits anything.
    asking = ownerOf(standIn);
    try {
      return add(client, auth, (socket) => {
        if (!handshakeOf(socket)) adopt(socket, standIn);
        done(socket);
      });
    } finally {
      asking = undefined;
    }
  };
}

function asksForSession(auth: unknown): boolean {
  return typeof auth === 'object' && auth !== null && typeof (auth as { pid?: unknown }).pid === 'string';
}

/**
 * Returns which caller may recover the session of a client: the same one, or any caller without a token if the client has none.
 * `undefined`: the token does not identify a caller, so the session cannot be recovered.
 */
function ownerOf(client: object | undefined): string | undefined {
  const token = connectionOf(client)?.token;
  if (!token) return 'anonymous';
  const { iss, sub, client_id: clientId } = token.claims;
  if (sub === undefined && clientId === undefined) return undefined;
  return JSON.stringify([iss, sub ?? null, clientId ?? null]);
}
