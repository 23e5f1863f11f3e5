/** What might somebody send who has no good token? Each of these is good but for one thing. RFC 8725. */
import { createHmac } from 'node:crypto';
import type { Mint, TokenOptions } from './mint.js';
import { selfSignedCertificate } from './test-certificate.js';
import { SigningKey, signingInput } from './signing-key.js';

const DAY = 86_400;

/**
 * Tokens that must be refused. Whatever is not spoiled is as the options say: hand in the scopes and groups of the route
 * under test, so that nothing else can be the reason.
 */
export class HostileTokens {
  /** Somebody with a key of their own. */
  readonly #stranger = new SigningKey('ES256');

  constructor(private readonly mint: Mint) {}

  /** The stranger's public key, as it lies where {@link remoteKey} points. */
  get strangersKey(): SigningKey['jwk'] {
    return this.#stranger.jwk;
  }

  /** `alg` is `none`, and the signature is empty. */
  algNone(options?: TokenOptions): string {
    return `${this.#input(options, { alg: 'none' })}.`;
  }

  /** HS256, keyed with the issuer's public key, which everybody can read. */
  keyConfusion(options?: TokenOptions): string {
    const input = this.#input(options, { alg: 'HS256' });
    const secret = this.mint.key.publicKey.export({ type: 'spki', format: 'pem' });
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  }

  /** The signature is that of another token. */
  badSignature(options?: TokenOptions): string {
    const [, , signature = ''] = this.mint.token(options).split('.');
    return `${this.#input(options)}.${signature}`;
  }

  /** A good token whose `sub` was changed afterwards. */
  tampered(options?: TokenOptions): string {
    const [header = '', payload = '', signature = ''] = this.mint.token(options).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const changed = Buffer.from(JSON.stringify({ ...claims, sub: 'somebody-else' })).toString('base64url');
    return `${header}.${changed}.${signature}`;
  }

  /** The signature is left out. */
  unsigned(options?: TokenOptions): string {
    return `${this.#input(options)}.`;
  }

  /** The end is cut off. */
  truncated(options?: TokenOptions): string {
    return this.mint.token(options).slice(0, -10);
  }

  /** Signed by a stranger, under the `kid` of the issuer's key. */
  forgedKeyId(options?: TokenOptions): string {
    return this.#byStranger(options, { kid: this.mint.key.kid, alg: 'ES256' });
  }

  /** Signed by a stranger, whose key nobody knows. */
  unknownKey(options?: TokenOptions): string {
    return this.#byStranger(options, {});
  }

  /** Signed by a stranger, whose key is in the token's header (`jwk`). */
  embeddedKey(options?: TokenOptions): string {
    return this.#byStranger(options, { jwk: this.#stranger.bareJwk });
  }

  /** Signed by a stranger, whose certificate is in the token's header (`x5c`). */
  embeddedCertificate(options?: TokenOptions): string {
    const certificate = selfSignedCertificate(this.#stranger, 'stranger').toString('base64');
    return this.#byStranger(options, { x5c: [certificate] });
  }

  /** Signed by a stranger, whose key lies where the token's header says (`jku`), at the issuer's own address. */
  remoteKey(options?: TokenOptions): string {
    return this.#byStranger(options, { jku: `${this.mint.issuer}/stranger/jwks` });
  }

  /** Asks in `crit` for an extension that nobody knows (RFC 7515 section 4.1.11). */
  unknownExtension(options: TokenOptions = {}): string {
    const header = { ...options.header, crit: ['urn:example:unknown'], 'urn:example:unknown': true };
    return this.mint.token({ ...options, header });
  }

  /** For another API. */
  wrongAudience(options?: TokenOptions): string {
    return this.#with(options, { aud: 'https://another-api.example' });
  }

  /** For no API in particular. */
  noAudience(options?: TokenOptions): string {
    return this.#with(options, { aud: undefined });
  }

  /** Says that another issuer made it. */
  wrongIssuer(options?: TokenOptions): string {
    return this.#with(options, { iss: 'https://another-issuer.example' });
  }

  /** Ended a day ago. */
  expired(options?: TokenOptions): string {
    const now = Math.floor(Date.now() / 1000);
    return this.#with(options, { iat: now - 2 * DAY, exp: now - DAY });
  }

  /** Never ends. */
  noExpiry(options?: TokenOptions): string {
    return this.#with(options, { exp: undefined });
  }

  /** Starts tomorrow. */
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

  /** A JWT of the same issuer that is no token at all (`typ` is `logout+jwt`). */
  otherType(options: TokenOptions = {}): string {
    return this.mint.token({ ...options, header: { ...options.header, typ: 'logout+jwt' } });
  }

  /**
   * By a stranger, and long.
   *
   * @param length in characters. Node itself answers 431 to more than 16 KiB of headers. @default 12_000
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
