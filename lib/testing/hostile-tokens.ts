/** Creates tokens that must be rejected. Each is valid except for one part. RFC 8725. */
import { createHmac } from 'node:crypto';
import type { Mint, TokenOptions } from './mint.js';
import { selfSignedCertificate } from './test-certificate.js';
import { SigningKey, signingInput } from './signing-key.js';

const DAY = 86_400;

/**
 * Tokens that must be rejected, each with one invalid part. The other parts follow the options: pass the scopes and groups of the route,
 * so that the token is not rejected for another reason.
 */
export class HostileTokens {
  /** A key that the issuer does not use. */
  readonly #stranger = new SigningKey('ES256');

  constructor(private readonly mint: Mint) {}

  /** The public key that is published at the URL in {@link remoteKey}. */
  get strangersKey(): SigningKey['jwk'] {
    return this.#stranger.jwk;
  }

  /** `alg` is `none`, and the signature is empty. */
  algNone(options?: TokenOptions): string {
    return `${this.#input(options, { alg: 'none' })}.`;
  }

  /** Signed with HS256, with the issuer's public key as the secret. */
  keyConfusion(options?: TokenOptions): string {
    const input = this.#input(options, { alg: 'HS256' });
    const secret = this.mint.key.publicKey.export({ type: 'spki', format: 'pem' });
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  }

  /** The signature of another token. */
  badSignature(options?: TokenOptions): string {
    const [, , signature = ''] = this.mint.token(options).split('.');
    return `${this.#input(options)}.${signature}`;
  }

  /** The `sub` was changed after signing. */
  tampered(options?: TokenOptions): string {
    const [header = '', payload = '', signature = ''] = this.mint.token(options).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const changed = Buffer.from(JSON.stringify({ ...claims, sub: 'somebody-else' })).toString('base64url');
    return `${header}.${changed}.${signature}`;
  }

  /** Without a signature. */
  unsigned(options?: TokenOptions): string {
    return `${this.#input(options)}.`;
  }

  /** The end of the token is missing. */
  truncated(options?: TokenOptions): string {
    return this.mint.token(options).slice(0, -10);
  }

  /** Signed with another key, with the `kid` of the issuer's key. */
  forgedKeyId(options?: TokenOptions): string {
    return this.#byStranger(options, { kid: this.mint.key.kid, alg: 'ES256' });
  }

  /** Signed with a key that is not published. */
  unknownKey(options?: TokenOptions): string {
    return this.#byStranger(options, {});
  }

  /** Signed with a key that is in the header of the token (`jwk`). */
  embeddedKey(options?: TokenOptions): string {
    return this.#byStranger(options, { jwk: this.#stranger.bareJwk });
  }

  /** Signed with a key whose certificate is in the header of the token (`x5c`). */
  embeddedCertificate(options?: TokenOptions): string {
    const certificate = selfSignedCertificate(this.#stranger, 'stranger').toString('base64');
    return this.#byStranger(options, { x5c: [certificate] });
  }

  /** Signed with a key whose URL is in the header of the token (`jku`), on the host of the issuer. */
  remoteKey(options?: TokenOptions): string {
    return this.#byStranger(options, { jku: `${this.mint.issuer}/stranger/jwks` });
  }

  /** `crit` requires an unknown extension (RFC 7515 section 4.1.11). */
  unknownExtension(options: TokenOptions = {}): string {
    const header = { ...options.header, crit: ['urn:example:unknown'], 'urn:example:unknown': true };
    return this.mint.token({ ...options, header });
  }

  /** The audience is another API. */
  wrongAudience(options?: TokenOptions): string {
    return this.#with(options, { aud: 'https://another-api.example' });
  }

  /** Without `aud`. */
  noAudience(options?: TokenOptions): string {
    return this.#with(options, { aud: undefined });
  }

  /** `iss` is another issuer. */
  wrongIssuer(options?: TokenOptions): string {
    return this.#with(options, { iss: 'https://another-issuer.example' });
  }

  /** Expired a day ago. */
  expired(options?: TokenOptions): string {
    const now = Math.floor(Date.now() / 1000);
    return this.#with(options, { iat: now - 2 * DAY, exp: now - DAY });
  }

  /** Without `exp`. */
  noExpiry(options?: TokenOptions): string {
    return this.#with(options, { exp: undefined });
  }

  /** Not valid before tomorrow (`nbf`). */
  notYetValid(options?: TokenOptions): string {
    const tomorrow = Math.floor(Date.now() / 1000) + DAY;
    return this.#with(options, { nbf: tomorrow, exp: tomorrow + DAY });
  }

  /** An ID token of the same issuer for the same audience (OpenID Connect Core 1.0 section 2). */
  idToken(options: TokenOptions = {}): string {
    return this.#with(
      { ...options, header: { ...options.header, typ: 'JWT' } },
      { nonce: 'n-0S6_WzA2Mj', at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' },
    );
  }

  /** A JWT of the same issuer that is not an access token (`typ` is `logout+jwt`). */
  otherType(options: TokenOptions = {}): string {
    return this.mint.token({ ...options, header: { ...options.header, typ: 'logout+jwt' } });
  }

  /**
   * A long token that is signed with another key.
   *
   * @param length in characters. Node.js answers 431 to more than 16 KiB of headers. @default 12_000
   */
  oversized(options: TokenOptions = {}, length = 12_000): string {
    const rest = this.#byStranger(options, {}).length;
    const claims = {
      ...options.claims,
      padding: 'A'.repeat(Math.max(0, Math.floor((length - rest) * 0.74))),
    };
    return this.#byStranger({ ...options, claims }, {});
  }

  #with(options: TokenOptions = {}, claims: Readonly<Record<string, unknown>>): string {
    return this.mint.token({ ...options, claims: { ...options.claims, ...claims } });
  }

  #byStranger(options: TokenOptions = {}, header: Readonly<Record<string, unknown>>): string {
    return this.mint.token({ ...options, header: { ...options.header, ...header } }, this.#stranger);
  }

  #input(options: TokenOptions = {}, header: Readonly<Record<string, unknown>> = {}): string {
    return signingInput({ ...this.mint.header(options), ...header }, this.mint.claims(options));
  }
}
