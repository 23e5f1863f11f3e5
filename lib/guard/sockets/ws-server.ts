/**
 * Guards a server of the package `ws`: the guard runs before the server knows the client, so that a rejected client receives no
 * broadcast and sends no message. RFC 6455 sections 4.2.2 (the response), 5.5.1 and 7.4 (the close frame and its codes).
 */
import { createHash } from 'node:crypto';
import type { IncomingRequest } from '../../credentials/incoming-request.js';
import type { Duplex } from 'node:stream';
import { viewOf } from '../../credentials/received-request.js';
import { BEARER_SUBPROTOCOL, subprotocolsOf } from '../../credentials/socket-handshake.js';
import type { AuthError } from '../../errors/auth.errors.js';
import type { SocketRefusal } from '../../transport/ws.transport.js';
import { adopt, type Admissions } from './admission.js';
import { Connection, connectionOf } from './connection.js';

/** A client as the server of `ws` creates it. */
export interface WsClient {
  readonly readyState: number;
  close(code: number, reason: string): void;
  terminate(): void;
  send(data: string): void;
  on(event: string, listener: (...args: never[]) => void): unknown;
  once(event: 'close', listener: () => void): unknown;
}

type Done = (client: WsClient, ...more: unknown[]) => void;

/** The part of `WebSocketServer` that is used. All of it is documented. */
export interface WsServer {
  handleUpgrade(request: IncomingRequest, socket: Duplex, head: Buffer, done: Done): void;
  on(event: 'headers', listener: (headers: string[], request: IncomingRequest) => void): unknown;
}

export function isWsServer(server: unknown): server is WsServer {
  return isObject(server) && typeof server['handleUpgrade'] === 'function';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null;
}

/** How long a client may take to close the connection after the close frame, in milliseconds. */
const GRACE_MS = 2000;

/** Runs the guard between the upgrade request and the handshake of the server. */
export function guardUpgrades(server: WsServer, admissions: Admissions): void {
  const upgrade = server.handleUpgrade.bind(server);
  const decided = new WeakMap<IncomingRequest, Connection>();
  // One function for all clients, not a closure for each.
  function onClose(this: WsClient): void {
    const connection = connectionOf(this);
    if (connection) admissions.closed(connection);
  }

  server.handleUpgrade = (request, socket, head, done) => {
    // What the client sends meanwhile stays in the socket, because nothing reads it yet.
    const destroy = (): void => void socket.destroy();
    socket.on('error', destroy);
    const standIn = {};
    const connection = new WsConnection(admissions.place, viewOf(request), { kind: 'ws' });
    const decide = async (): Promise<void> => {
      const refusal = await admissions.refusalOf(connection, standIn);
      socket.off('error', destroy);
      if (socket.destroyed) return;
      if (refusal) return refuseUpgrade(request, socket, refusal, connection);
      decided.set(request, connection);
      upgrade(request, socket, head, (client, ...more) => {
        adopt(client, standIn);
        admissions.opened(client, connection);
        client.on('close', onClose);
        done(client, ...more);
      });
    };
    decide().catch((error: unknown) => {
      socket.destroy();
      admissions.failed(error);
    });
  };

  server.on('headers', (headers, request) => {
    answerSubprotocol(headers, request);
    for (const [name, value] of decided.get(request)?.answerHeaders ?? [])
      headers.push(`${name}: ${String(value)}`);
  });
}

/** Selects `bearer` where needed: a browser that offered subprotocols expects one in the response. Never selects the token. */
function answerSubprotocol(headers: string[], request: IncomingRequest): void {
  const offered = subprotocolsOf(request);
  const bearer = offered.indexOf(BEARER_SUBPROTOCOL);
  if (bearer === -1) return;
  const index = headers.findIndex((line) => /^sec-websocket-protocol:/i.test(line));
  const chosen = headers[index]?.replace(/^[^:]*:\s*/, '');
  if (chosen !== undefined && offered.indexOf(chosen) < bearer) return;
  headers.splice(
    index === -1 ? headers.length : index,
    index === -1 ? 0 : 1,
    `Sec-WebSocket-Protocol: ${BEARER_SUBPROTOCOL}`,
  );
}

const KEY = /^[+/0-9A-Za-z]{22}==$/;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * Completes the upgrade, because a browser does not expose any other response, and closes the connection. Needs no server, parser
 * or client object.
 */
function refuseUpgrade(
  request: IncomingRequest,
  socket: Duplex,
  refusal: SocketRefusal,
  connection: Connection,
): void {
  socket.on('error', () => socket.destroy());
  const key = request.headers['sec-websocket-key'];
  const version = request.headers['sec-websocket-version'];
  if (request.method !== 'GET' || key === undefined || !KEY.test(key) || !/^(13|8)$/.test(version ?? '')) {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    return leave(socket);
  }
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  const [first, ...others] = subprotocolsOf(request);
  // A long subprotocol may be a token that was sent in the wrong place.
  const known = first !== undefined && first.length <= 64 ? first : undefined;
  const protocol = [first, ...others].includes(BEARER_SUBPROTOCOL) ? BEARER_SUBPROTOCOL : known;
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    ...(protocol ? [`Sec-WebSocket-Protocol: ${protocol}`] : []),
    ...[...(connection.answerHeaders ?? [])].flatMap(([name, value]) =>
      [value].flat().map((each) => `${name}: ${each}`),
    ),
  ];
  const { code, reason } = closeOf(refusal);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  socket.end(closeFrame(code, reason));
  leave(socket);
}

/** Discards what the client still sends: a socket that is not read would not detect that the client has disconnected. */
function leave(socket: Duplex): void {
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), GRACE_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

function closeOf({ statusCode, message }: SocketRefusal): { readonly code: number; readonly reason: string } {
  switch (statusCode) {
    case 503:
      return { code: 1013, reason: message };
    case 500:
      return { code: 1011, reason: message };
    case 403:
      return { code: 1008, reason: 'forbidden' };
    default:
      return { code: 1008, reason: 'unauthorized' };
  }
}

/** Builds an unmasked, final close frame. The reason must be short. */
function closeFrame(code: number, reason: string): Buffer {
  const payload = Buffer.from(`\0\0${reason}`);
  payload.writeUInt16BE(code);
  return Buffer.concat([Buffer.from([0x88, payload.length]), payload]);
}

class WsConnection extends Connection {
  /** Terminates the connection if the client does not close it in time. */
  protected override disconnect(client: object, error: AuthError): void {
    const socket = client as WsClient;
    socket.close(1008, `token ${error.reason}`);
    const timer = setTimeout(() => socket.terminate(), GRACE_MS).unref();
    socket.once('close', () => clearTimeout(timer));
  }
}
