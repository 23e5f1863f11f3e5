/** Whose certificates? Those of an authority that is made at every start, so that nobody can have its key. */
import 'reflect-metadata';
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60 * 1000;
const WEEK_MS = 7 * DAY_MS;

/** Both in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** In PEM. */
  readonly cert: string;
  issue(commonName: string, hosts?: readonly string[]): Promise<Certificate>;
}

export async function makeAuthority(commonName: string): Promise<Authority> {
  const keys = await makeKeys();
  const self = await X509CertificateGenerator.createSelfSigned({
    ...describe(),
    name: `CN=${commonName}`,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  return {
    cert: self.toString('pem'),
    issue: async (subject, hosts = []) => {
      const { publicKey, privateKey } = await makeKeys();
      const certificate = await X509CertificateGenerator.create({
        ...describe(),
        subject: `CN=${subject}`,
        issuer: self.subject,
        publicKey,
        signingKey: keys.privateKey,
        extensions: hosts.length === 0 ? [] : [nameHosts(hosts)],
      });
      const key = KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' });
      return { cert: certificate.toString('pem'), key: key.toString() };
    },
  };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

/** Valid since yesterday: clocks differ. */
function describe() {
  return {
    serialNumber: `01${randomBytes(8).toString('hex')}`,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + WEEK_MS),
    signingAlgorithm: ALGORITHM,
  };
}

function nameHosts(hosts: readonly string[]): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns', value })));
}
