/** A self-signed client certificate for tests, encoded by hand. RFC 5280 section 4.1. */
import { sign, X509Certificate } from 'node:crypto';
import type { Confirmation } from '../token/access-token-claims.js';
import type { Bindable, MintToken, TokenOptions } from './mint.js';
import { SigningKey, sha256 } from './signing-key.js';

/**
 * A client certificate for mutual TLS: `https.request(url, { cert, key })`, or for a header, as a proxy would send it.
 */
export class TestCertificate implements Bindable {
  /** The certificate in PEM. */
  readonly cert: string;
  /** The private key in PEM (PKCS #8). */
  readonly key: string;
  /** The SHA-256 thumbprint in base64url: `cnf.x5t#S256` of bound tokens (RFC 8705 section 3.1). */
  readonly thumbprint: string;
  readonly #mint: MintToken;

  constructor(mint: MintToken) {
    this.#mint = mint;
    const pair = new SigningKey('ES256');
    const bytes = selfSignedCertificate(pair, 'test client');
    this.cert = new X509Certificate(bytes).toString();
    this.key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    this.thumbprint = sha256(bytes);
  }

  get confirmation(): Confirmation {
    return { 'x5t#S256': this.thumbprint };
  }

  /** Creates a valid token that is bound to this certificate. */
  token(options: TokenOptions = {}): string {
    return this.#mint({ ...options, boundTo: this });
  }
}

/**
 * Returns a certificate in DER: version 1, valid from 2020 to 2049, for a P-256 key. Sufficient for a self-signed client
 * certificate; servers cannot use it, because it has no host name.
 */
export function selfSignedCertificate({ privateKey, publicKey }: SigningKey, commonName: string): Buffer {
  const ecdsaWithSha256 = der(0x30, Buffer.from('06082a8648ce3d040302', 'hex'));
  const attribute = der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from(commonName)));
  const name = der(0x30, der(0x31, attribute));
  const [notBefore, notAfter] = ['200101000000Z', '491231235959Z'].map((time) =>
    der(0x17, Buffer.from(time)),
  );
  const validity = der(0x30, notBefore ?? Buffer.of(), notAfter ?? Buffer.of());
  const publicKeyInfo = publicKey.export({ type: 'spki', format: 'der' });
  const serial = der(0x02, Buffer.of(1));
  const body = der(0x30, serial, ecdsaWithSha256, name, validity, name, publicKeyInfo);
  const signature = der(0x03, Buffer.of(0), sign('sha256', body, privateKey));
  return der(0x30, body, ecdsaWithSha256, signature);
}

/** Encodes tag, length and content (X.690 section 8.1). */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
