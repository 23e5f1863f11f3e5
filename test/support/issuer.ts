/** An authorization server together with its key: mints tokens that are good for one API, unless told otherwise. */
import type { AuthModuleOptions } from 'nestjs-resource-server';
import { AuthorizationServer, type ServerSettings } from './authorization-server.js';
import { keepSecret } from './no-secrets-in-output.js';
import { goodClaims, makeKey, signToken, type SigningKey, type TokenParts } from './tokens.js';

export const AUDIENCE = 'https://api.example.com';

export class Issuer {
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

  /** Signs with another key from now on and publishes only that. */
  rotate(key: SigningKey = makeKey()): void {
    this.key = key;
    this.server.keys = [key.jwk];
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
