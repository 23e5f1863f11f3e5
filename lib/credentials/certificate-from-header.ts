/** Reads the client certificate that a proxy passes on in a header. RFC 9440, and the formats that proxies use in practice. */
import { BlockList, isIP } from 'node:net';
import { ConfigurationError } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import {
  headerLinesOf,
  socketOf,
  type CertificateResolver,
  type IncomingRequest,
} from './incoming-request.js';
import { readXfccCertificate, type ReadCertificate } from './xfcc.js';

const asItIs = (text: string): ReadCertificate => ({ text });

/** How each proxy writes the certificate, and its default header, if it has one. */
const FORMATS = {
  /** `$ssl_client_escaped_cert`: PEM, URL-encoded. */
  nginx: { header: undefined, extract: asItIs },
  /** `x-forwarded-client-cert`: one element; `Cert` is PEM, URL-encoded. */
  envoy: { header: 'x-forwarded-client-cert', extract: readXfccCertificate },
  /** `%[ssl_c_der,base64]`: DER in base64. */
  haproxy: { header: undefined, extract: asItIs },
  /** The leaf certificate in verify mode: PEM, URL-encoded except for `+`, `=` and `/`. */
  'aws-alb': { header: 'x-amzn-mtls-clientcert-leaf', extract: asItIs },
  /** A byte sequence (RFC 9440 section 2.1): DER in base64 between colons. */
  rfc9440: { header: 'client-cert', extract: readByteSequence },
} as const;

/** Options of {@link certificateFromHeader}. */
export interface CertificateFromHeaderOptions {
  /**
   * The proxy that writes the header: `nginx`, `envoy`, `haproxy`, `aws-alb`, or `rfc9440` for any proxy with `Client-Cert` (RFC 9440).
   */
  readonly format: keyof typeof FORMATS;
  /**
   * The name of the header. Required for `nginx` and `haproxy`.
   * @default that of the format: `client-cert`, `x-forwarded-client-cert`, `x-amzn-mtls-clientcert-leaf`
   */
  readonly header?: string;
  /**
   * The proxies whose header is trusted: addresses, CIDR ranges, or `loopback`, compared with the peer of the connection. Any client on
   * these addresses can claim any certificate, so list only the proxies.
   */
  readonly trustedProxies: readonly string[];
}

/**
 * Creates a `certificateResolver` for TLS that terminates at a proxy. The header of any other peer is ignored. The proxy must set the
 * header on every request, also if the client presented no certificate.
 *
 * It reads one line of the header with exactly one certificate: PEM with or without delimiters, URL-encoded or not, or DER in base64.
 * Any other value counts as no certificate: two lines, two certificates, an element of `x-forwarded-client-cert` before the proxy's
 * own. Each reason is logged once.
 *
 * The issuer and the dates of the certificate are not checked: the guard compares its thumbprint with the token (RFC 8705 section 3.1).
 *
 * @throws {ConfigurationError} without `trustedProxies`, or for an entry that is not an address
 *
 * @example
 * ```ts
 * AuthModule.forRoot({
 *   certificateResolver: certificateFromHeader({
 *     format: 'nginx',
 *     header: 'x-ssl-client-cert',
 *     trustedProxies: ['10.0.0.5', '10.1.0.0/16'],
 *   }),
 * });
 * ```
 */
export function certificateFromHeader(options: CertificateFromHeaderOptions): CertificateResolver {
  const format = Object.hasOwn(FORMATS, options.format) ? FORMATS[options.format] : undefined;
  if (!format) throw wrong(`format is one of ${Object.keys(FORMATS).join(', ')}`);
  const name = (options.header ?? format.header)?.toLowerCase();
  if (!name)
    throw wrong(
      `header is required: the name of the header in the proxy's configuration for ${options.format}`,
    );
  const trusted = readTrusted(options.trustedProxies);
  const logged = new Set<string>();
  const ignore = (problem: string, log: Log | undefined): undefined => {
    if (!logged.has(problem)) log?.warn(`${name} is ignored: ${problem}`);
    logged.add(problem);
  };

  return (request: IncomingRequest, log?: Log) => {
    const [value = '', ...more] = headerLinesOf(request, name);
    if (value === '' && more.length === 0) return undefined;
    if (!isTrusted(trusted, socketOf(request)?.remoteAddress))
      return ignore('it came from a peer that is not among trustedProxies', log);
    // A proxy that appends its line has not overwritten the line of the client.
    if (more.length > 0) return ignore('it has more than one line', log);
    const read = readCertificate(format.extract, value);
    return 'pem' in read ? read.pem : ignore(read.problem, log);
  };
}

function readTrusted(trustedProxies: readonly string[]): BlockList {
  if (!Array.isArray(trustedProxies) || trustedProxies.length === 0) {
    throw wrong('trustedProxies is required: without it anybody could claim any certificate');
  }
  const trusted = new BlockList();
  for (const each of trustedProxies.flatMap((entry) =>
    entry === 'loopback' ? ['127.0.0.0/8', '::1'] : [entry],
  )) {
    const [address = '', prefix, ...more] = String(each).split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const bits = prefix === undefined ? undefined : Number(prefix);
    const isRange =
      bits !== undefined && /^\d+$/.test(prefix ?? '') && bits <= (family === 'ipv6' ? 128 : 32);
    if (isIP(address) === 0 || more.length > 0 || (prefix !== undefined && !isRange)) {
      throw wrong(`trustedProxies: ${JSON.stringify(each)} is not an address, a CIDR range or "loopback"`);
    }
    if (bits === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, bits, family);
  }
  return trusted;
}

function isTrusted(trusted: BlockList, peer: string | undefined): boolean {
  return peer !== undefined && trusted.check(peer, isIP(peer) === 6 ? 'ipv6' : 'ipv4');
}

const wrong = (problem: string): ConfigurationError =>
  new ConfigurationError(`certificateFromHeader: ${problem}`);

const NO_CERTIFICATE = { problem: 'it is not one certificate' } as const;

function readCertificate(
  extract: (value: string) => ReadCertificate,
  value: string,
): { readonly pem: string } | { readonly problem: string } {
  const found = extract(value.trim());
  if ('problem' in found) return found;
  const der = decodeCertificate(found.text);
  if (der === undefined || !isOneValue(der)) return NO_CERTIFICATE;
  return {
    pem: `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----`,
  };
}

const PEM = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----$/;

/**
 * Decodes PEM or DER in base64, URL-encoded or not, with or without delimiters, with line breaks or the spaces that replaced
 * them. Returns `undefined` unless the whole text is valid.
 */
function decodeCertificate(value: string): Buffer | undefined {
  let text = value;
  try {
    if (text.includes('%')) text = decodeURIComponent(text).trim();
  } catch {
    return undefined;
  }
  const base64 = (PEM.exec(text)?.[1] ?? text).replace(/\s/g, '').replace(/={1,2}$/, '');
  const der = Buffer.from(base64, 'base64');
  // Node ignores characters that are not base64; encoding the result again detects them.
  return der.toString('base64').replace(/={1,2}$/, '') === base64 ? der : undefined;
}

/** Whether the DER is one SEQUENCE with nothing after it (X.690 section 8.1.3): OpenSSL would read the first of several values. */
function isOneValue(der: Buffer): boolean {
  const [tag, size = 0] = der;
  const octets = size > 0x80 && size <= 0x83 ? size - 0x80 : 0;
  if (tag !== 0x30 || octets === 0 || der.length < 2 + octets) return false;
  return der.length === 2 + octets + der.readUIntBE(2, octets);
}

function readByteSequence(value: string): ReadCertificate {
  const text = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value)?.[1];
  return text === undefined ? { problem: 'it is not one byte sequence' } : { text };
}
