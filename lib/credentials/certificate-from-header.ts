/** Which client certificate did the proxy in front see? RFC 9440, and what proxies really send. */
import { BlockList, isIP } from 'node:net';
import { ConfigurationError, TokenError } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import { socketOf, type CertificateResolver, type IncomingRequest } from './incoming-request.js';

/** How a proxy writes a certificate into a header, and the header that it uses where it has one of its own. */
const FORMATS = {
  /** `$ssl_client_escaped_cert`: PEM, URL-encoded. */
  nginx: { header: undefined, extract: (value: string) => value },
  /** `x-forwarded-client-cert`: the last element is that of the nearest proxy; `Cert` is PEM, URL-encoded. */
  envoy: { header: 'x-forwarded-client-cert', extract: extractFromXfcc },
  /** `%[ssl_c_der,base64]`: DER in base64. */
  haproxy: { header: undefined, extract: (value: string) => value },
  /** Verify mode's leaf: PEM, URL-encoded but for `+`, `=` and `/`. */
  'aws-alb': { header: 'x-amzn-mtls-clientcert-leaf', extract: (value: string) => value },
  /** A byte sequence (RFC 9440 section 2.1): DER in base64 between colons. */
  rfc9440: { header: 'client-cert', extract: extractByteSequence },
} as const;

export interface CertificateFromHeaderOptions {
  readonly format: keyof typeof FORMATS;
  /** @default that of the format: `client-cert`, `x-forwarded-client-cert`, `x-amzn-mtls-clientcert-leaf`; needed for nginx and haproxy */
  readonly header?: string;
  /**
   * Whose header is believed: addresses, CIDR ranges, or `loopback`, compared with the peer of the connection. Everybody
   * on these addresses can claim any certificate, so name the proxies and nobody else.
   */
  readonly trustedProxies: readonly string[];
}

/**
 * A `certificateResolver` for TLS that ends at a proxy. From any other peer the header is ignored, and the attempt is
 * logged once. The proxy must overwrite the header, also where the client presented no certificate.
 *
 * What cannot be read as a certificate is refused with 401: PEM with or without delimiters, URL-encoded or not, and DER
 * in base64 are read.
 *
 * @throws {ConfigurationError} without `trustedProxies`, or for one that is no address
 */
export function certificateFromHeader(options: CertificateFromHeaderOptions): CertificateResolver {
  const format = Object.hasOwn(FORMATS, options.format) ? FORMATS[options.format] : undefined;
  if (!format) throw wrong(`format is one of ${Object.keys(FORMATS).join(', ')}`);
  const name = (options.header ?? format.header)?.toLowerCase();
  if (!name)
    throw wrong(`header is needed: the one that the proxy's configuration writes for ${options.format}`);
  const trusted = readTrusted(options.trustedProxies);
  let hasWarned = false;

  return (request: IncomingRequest, log?: Log) => {
    const value = request.headers[name];
    if (value === undefined || value === '') return undefined;
    if (!isTrusted(trusted, socketOf(request)?.remoteAddress)) {
      if (!hasWarned) log?.warn(`${name} came from a peer that is not among trustedProxies: ignored`);
      hasWarned = true;
      return undefined;
    }
    return toPem(format.extract(Array.isArray(value) ? value.join(',') : value));
  };
}

function readTrusted(trustedProxies: readonly string[]): BlockList {
  if (!Array.isArray(trustedProxies) || trustedProxies.length === 0) {
    throw wrong('trustedProxies is needed: without it everybody could claim any certificate');
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
      throw wrong(`trustedProxies: ${JSON.stringify(each)} is no address, no CIDR range, and not "loopback"`);
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

const unreadable = (): TokenError =>
  new TokenError('invalid_token', {
    detail: "the proxy's header with the client certificate cannot be read",
  });

/** PEM or DER, URL-encoded or not, with or without delimiters, line breaks or what became of them. */
function toPem(value: string): string {
  let text = value;
  try {
    if (text.includes('%')) text = decodeURIComponent(text);
  } catch {
    throw unreadable();
  }
  const base64 = (
    /-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----/s.exec(text)?.[1] ?? text
  ).replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw unreadable();
  return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----`;
}

function extractByteSequence(value: string): string {
  const bytes = /^\s*:([A-Za-z0-9+/]*={0,2}):\s*$/.exec(value)?.[1];
  if (!bytes) throw unreadable();
  return bytes;
}

/** Envoy's elements are separated by commas, their pairs by semicolons, either of which may stand in quotes. */
function extractFromXfcc(value: string): string {
  const last = splitOutsideQuotes(value, ',').at(-1) ?? '';
  const pair = splitOutsideQuotes(last, ';').find((each) => /^\s*cert=/i.test(each));
  if (!pair) throw unreadable();
  return pair
    .slice(pair.indexOf('=') + 1)
    .trim()
    .replace(/^"(.*)"$/s, '$1');
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts = [''];
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    if (char === '"') quoted = !quoted;
    if (char === separator && !quoted) parts.push('');
    else parts[parts.length - 1] += quoted && char === '\\' ? char + (text[++i] ?? '') : char;
  }
  return parts;
}
