/** Is this the certificate that the token is bound to? RFC 8705 section 3.1. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ClientCertificate } from '../credentials/client-certificate.js';

/** SHA-256 of the certificate's DER encoding, in base64url. */
function thumbprintOf(certificate: ClientCertificate): Buffer {
  return createHash('sha256').update(certificate).digest();
}

/** `bound` is compared as written: another spelling of the same bytes is not what the issuer wrote. */
export function isBoundTo(bound: string, certificate: ClientCertificate): boolean {
  const expected = Buffer.from(bound);
  const actual = Buffer.from(thumbprintOf(certificate).toString('base64url'));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
