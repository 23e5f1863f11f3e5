/** Certificates for TLS, made on the spot: those of an authority, and self-signed ones. */
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from '@peculiar/x509';
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { keepSecret } from './no-secrets-in-output.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY = 86_400_000;

export interface Subject {
  readonly commonName: string;
  /** Host names and IP addresses. */
  readonly san?: readonly string[];
}

export interface Certificate {
  /** In PEM. */
  readonly cert: string;
  /** The private key, in PEM (PKCS #8). */
  readonly key: string;
  /** The certificate's bytes: what its thumbprint is taken of. */
  readonly der: Buffer;
}

export interface Authority {
  /** In PEM. */
  readonly cert: string;
  issue(subject: Subject): Promise<Certificate>;
}

export async function makeAuthority(commonName = 'Test Authority'): Promise<Authority> {
  const keys = await makeKeys();
  const self = await X509CertificateGenerator.createSelfSigned({
    ...common({ commonName }),
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  return {
    cert: self.toString('pem'),
    issue: async (subject) => {
      const { publicKey, privateKey } = await makeKeys();
      const certificate = await X509CertificateGenerator.create({
        ...common(subject),
        subject: nameOf(subject),
        issuer: self.subject,
        publicKey,
        signingKey: keys.privateKey,
        extensions: extensionsOf(subject),
      });
      return describeCertificate(certificate, privateKey);
    },
  };
}

export async function selfSigned(subject: Subject): Promise<Certificate> {
  const keys = await makeKeys();
  const extensions = extensionsOf(subject);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...common(subject),
    keys,
    extensions,
  });
  return describeCertificate(certificate, keys.privateKey);
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function common(subject: Subject): {
  name: string;
  serialNumber: string;
  notBefore: Date;
  notAfter: Date;
  signingAlgorithm: typeof ALGORITHM;
} {
  return {
    name: nameOf(subject),
    serialNumber: `01${randomBytes(8).toString('hex')}`,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + 365 * DAY),
    signingAlgorithm: ALGORITHM,
  };
}

const nameOf = ({ commonName }: Subject): string => `CN=${commonName}`;

function extensionsOf({ san = [] }: Subject): SubjectAlternativeNameExtension[] {
  if (san.length === 0) return [];
  const names = san.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }));
  return [new SubjectAlternativeNameExtension(names)];
}

function describeCertificate(certificate: X509Certificate, privateKey: webcrypto.CryptoKey): Certificate {
  const key = KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }) as string;
  for (const line of key.split('\n')) if (!line.startsWith('-----')) keepSecret(line);
  return { cert: certificate.toString('pem'), key, der: Buffer.from(certificate.rawData) };
}
