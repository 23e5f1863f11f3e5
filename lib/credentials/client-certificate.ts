/** Which client certificate came with the request? RFC 8705 section 2. */
import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { invalidToken } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import { socketOf, type IncomingRequest, type ResolverOptions } from './incoming-request.js';
import { forApplication } from './received-request.js';

/** The certificate's DER encoding. */
export type ClientCertificate = Uint8Array;

/** What the application's own resolver says, or else the TLS connection. */
export function resolveCertificate(
  request: IncomingRequest,
  { certificateResolver }: ResolverOptions,
  log?: Log,
): ClientCertificate | undefined | Promise<ClientCertificate | undefined> {
  if (!certificateResolver) return readPeerCertificate(request);
  return Promise.resolve(certificateResolver(forApplication(request), log)).then((pem) =>
    pem === undefined || pem === null || pem === '' ? undefined : readPemCertificate(pem),
  );
}

/**
 * The certificate of the TLS connection. The handshake proved that the client has its key; whether anybody vouches for
 * it is not checked here (RFC 8705 section 2.2), the thumbprint in the token does that.
 *
 * A session resumed without a certificate has none.
 */
export function readPeerCertificate(request: IncomingRequest): ClientCertificate | undefined {
  const socket = socketOf(request);
  if (!isTls(socket)) return undefined;
  // Node answers null after the connection is gone, and an empty object where the client sent no certificate.
  return (socket.getPeerCertificate() as { raw?: Buffer } | null)?.raw;
}

/**
 * A certificate in PEM, as an application's own resolver hands it over.
 *
 * @throws {TokenError} `invalid_token` if it cannot be read: it came from the request
 */
export function readPemCertificate(pem: string): ClientCertificate {
  try {
    return new X509Certificate(pem).raw;
  } catch (cause) {
    throw invalidToken('binding', 'the client certificate cannot be read', cause);
  }
}

function isTls(socket: Socket | undefined): socket is TLSSocket {
  return socket !== undefined && 'getPeerCertificate' in socket;
}
