/** Compares a certificate with the thumbprint that a token is bound to. RFC 8705 section 3.1. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ClientCertificate } from '../credentials/client-certificate.js';

/** Returns the SHA-256 hash of the certificate's DER encoding. */
function thumbprintOf(certificate: ClientCertificate): Buffer {
  return createHash('sha256').update(certificate).digest();
}

/** Compares the base64url text, not its bytes: another encoding of the same bytes is rejected. */
export function isBoundTo(bound: string, certificate: ClientCertificate): boolean {
  const expected = Buffer.from(bound);
  const actual = Buffer.from(thumbprintOf(certificate).toString('base64url'));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
