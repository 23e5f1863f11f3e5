/** An authorization server together with its key: mints tokens that are good for one API, unless told otherwise. */
import { randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import type { AuthModuleOptions } from 'nestjs-resource-server';
import { AuthorizationServer, type ServerSettings } from './authorization-server.js';
import { keepSecret } from './no-secrets-in-output.js';
import { goodClaims, makeKey, signToken, type SigningKey, type TokenParts } from './tokens.js';

export const CLIENT_SECRET = keepSecret('the-secret-of-the-api-itself');
export const AUDIENCE = 'https://api.example.com';

export class Issuer {
  /** What was published before the last rotation. */
  previous: readonly JWK[] = [];

  private constructor(
    readonly server: AuthorizationServer,
    public key: SigningKey,
  ) {}

  static async start(settings?: ServerSettings, key = makeKey()): Promise<Issuer> {
    const issuer = new Issuer(await AuthorizationServer.start(settings), key);
    issuer.server.keys = [key.jwk];
    return issuer;
  }

  get options(): AuthModuleOptions {
    return { issuer: this.server.issuer, audience: AUDIENCE };
  }

  claims(): Record<string, unknown> {
    return goodClaims(this.server.issuer, AUDIENCE);
  }

  /** A good access token but for the parts named. */
  token(parts: TokenParts = {}, key: SigningKey = this.key): string {
    return keepSecret(signToken(key, this.claims(), parts));
  }

  /** A good opaque token but for the members of the introspection answer named. */
  opaqueToken(claims: Record<string, unknown> = {}): string {
    const token = keepSecret(randomBytes(24).toString('base64url'));
    this.server.introspected.set(token, { active: true, ...this.claims(), ...claims });
    return token;
  }

  /** With introspection configured. */
  get introspecting(): AuthModuleOptions {
    return { ...this.options, clientId: 'the-api', clientSecret: CLIENT_SECRET };
  }

  /** Signs with another key from now on and publishes only that. */
  rotate(key: SigningKey = makeKey()): void {
    this.key = key;
    this.previous = this.server.keys;
    this.server.keys = [key.jwk];
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
