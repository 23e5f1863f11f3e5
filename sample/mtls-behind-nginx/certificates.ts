/** Who has which certificate, and where is it on disk? Made at every start, gone with the end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeAuthority, type Certificate } from '#support/tls/certificates.js';

export interface Certificates {
  /** The authority that all of them are of, in PEM. */
  readonly ca: string;
  readonly shop: Certificate;
  readonly rival: Certificate;
  /** All of them as files, for the servers and for `curl`; nginx writes there, too. Nobody else may look into it. */
  readonly folder: string;
}

/** What nginx makes of a certificate: `$ssl_client_escaped_cert`. Anybody can, and so can a thief. */
export function claim({ cert }: Certificate): Record<string, string> {
  return { 'x-ssl-client-cert': encodeURIComponent(cert) };
}

/** The folder is removed when this process exits. */
export async function makeCertificates(): Promise<Certificates> {
  const authority = await makeAuthority('Demo Authority');
  const [server, shop, rival] = await Promise.all([
    authority.issue('localhost', ['localhost']),
    authority.issue('shop'),
    authority.issue('rival'),
  ]);
  const folder = mkdtempSync(join(tmpdir(), 'mtls-behind-nginx-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): void =>
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  write('ca.pem', authority.cert);
  for (const [name, { cert, key }] of Object.entries({ server, shop, rival })) {
    write(`${name}.pem`, cert);
    write(`${name}-key.pem`, key);
  }
  for (const [name, value] of Object.entries(claim(shop))) write('claim-shop.txt', `${name}: ${value}\n`);
  return { ca: authority.cert, shop, rival, folder };
}
