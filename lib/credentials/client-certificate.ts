/** Reads the client certificate of a request. RFC 8705 section 2. */
import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { invalidToken } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import { socketOf, type IncomingRequest, type ResolverOptions } from './incoming-request.js';
import { forApplication } from './received-request.js';

/** The certificate's DER encoding. */
export type ClientCertificate = Uint8Array;

/** Returns the certificate from the `certificateResolver`, if one is configured, otherwise from the TLS connection. */
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
 * Returns the certificate of the TLS connection. The handshake proved that the client has its private key. The chain of the
 * certificate is not checked here (RFC 8705 section 2.2): the thumbprint in the token identifies the certificate.
 *
 * A session that is resumed without a certificate has none.
 */
export function readPeerCertificate(request: IncomingRequest): ClientCertificate | undefined {
  const socket = socketOf(request);
  if (!isTls(socket)) return undefined;
  // Node returns null after the connection has closed, and an empty object if the client sent no certificate.
  return (socket.getPeerCertificate() as { raw?: Buffer } | null)?.raw;
}

/**
 * Parses a certificate in PEM, as a `certificateResolver` returns it.
 *
 * @throws {TokenError} `invalid_token` if it cannot be parsed, because it came from the request
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
