/** Creates access tokens that are valid unless the options change that. RFC 9068 section 2. */
import { X509Certificate, randomUUID } from 'node:crypto';
import type { Confirmation } from '../token/access-token-claims.js';
import { SigningKey, sha256, type TestAlgorithm } from './signing-key.js';

/** The content of a token. */
export interface TokenOptions {
  /** The claim `sub`. @default 'user-1' */
  readonly sub?: string;
  /** Scopes, as a list or separated by spaces. @default none */
  readonly scope?: string | readonly string[];
  /** The claim `groups`; for another claim use `claims`. @default none */
  readonly groups?: readonly string[];
  /** The claim `aud`. @default the issuer's `audience` */
  readonly audience?: string | readonly string[];
  /** The claim `client_id`. @default 'client-1' */
  readonly clientId?: string;
  /** Seconds from now until `exp`; a negative number creates an expired token. @default 600 */
  readonly expiresIn?: number;
  /** The binding of the token: `issuer.dpop()`, `issuer.certificate()`, or a client certificate in PEM. */
  readonly boundTo?: string | Bindable;
  /** Further claims, which override those above; `undefined` removes a claim. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Members of the JWT's header; `undefined` removes a member. Opaque tokens have no header. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** A key or certificate that a token can be bound to. */
export interface Bindable {
  /** The token's `cnf`. */
  readonly confirmation: Confirmation;
}

export type MintToken = (options?: TokenOptions) => string;

/** Returns seconds since 1970. Fake timers apply. */
export const nowInSeconds = (): number => Math.floor(Date.now() / 1000);

export class Mint {
  key: SigningKey;

  constructor(
    readonly issuer: string,
    readonly audience: string,
    private readonly algorithm: TestAlgorithm,
  ) {
    this.key = new SigningKey(algorithm);
  }

  rotate(): void {
    this.key = new SigningKey(this.algorithm);
  }

  claims(options: TokenOptions = {}): Record<string, unknown> {
    const now = nowInSeconds();
    const { sub = 'user-1', scope, audience = this.audience, clientId = 'client-1' } = options;
    const claims = {
      iss: this.issuer,
      sub,
      aud: audience,
      exp: now + (options.expiresIn ?? 600),
      iat: now,
      jti: randomUUID(),
      client_id: clientId,
      scope: typeof scope === 'string' ? scope : scope?.join(' '),
      groups: options.groups,
      cnf: confirmationOf(options.boundTo),
      ...options.claims,
    };
    return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
  }

  header(options: TokenOptions = {}, key = this.key): Record<string, unknown> {
    return { alg: key.alg, typ: 'at+jwt', kid: key.kid, ...options.header };
  }

  token(options: TokenOptions = {}, key = this.key): string {
    return key.sign(this.header(options, key), this.claims(options));
  }
}

function confirmationOf(boundTo: TokenOptions['boundTo']): Confirmation | undefined {
  if (typeof boundTo !== 'string') return boundTo?.confirmation;
  return { 'x5t#S256': sha256(new X509Certificate(boundTo).raw) };
}
