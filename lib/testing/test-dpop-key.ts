/** A client's DPoP key for tests, which creates bound tokens and proofs. RFC 9449 section 4. */
import { randomUUID } from 'node:crypto';
import type { Confirmation } from '../token/access-token-claims.js';
import { nowInSeconds, type Bindable, type MintToken, type TokenOptions } from './mint.js';
import { SigningKey, sha256 } from './signing-key.js';

/** The content of a DPoP proof (RFC 9449 section 4.2). */
export interface ProofOptions {
  /** The method of the request. @default 'GET' */
  readonly method?: string;
  /** The URL of the request; the proof does not contain its query and fragment. */
  readonly url: string;
  /** The access token that is sent with the proof. */
  readonly token: string;
  /** The nonce from the header `DPoP-Nonce` of the server. @default none */
  readonly nonce?: string;
  /** Claims that override those of the proof; `undefined` removes a claim. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Members that override those of the proof's header; `undefined` removes a member. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/**
 * A key of a client, for DPoP-bound tokens and their proofs.
 *
 * @example
 * ```ts
 * const key = issuer.dpop();
 * const token = key.token({ scope: 'read:orders' });
 * await fetch(url, { headers: key.headers({ url, token }) });
 * ```
 */
export class TestDPoPKey implements Bindable {
  /** The thumbprint of the key (RFC 7638): `cnf.jkt` of bound tokens. */
  readonly thumbprint: string;
  readonly #key = new SigningKey('ES256');
  readonly #mint: MintToken;

  constructor(mint: MintToken) {
    this.#mint = mint;
    const { crv, kty, x, y } = this.#key.bareJwk;
    this.thumbprint = sha256(JSON.stringify({ crv, kty, x, y }));
  }

  get confirmation(): Confirmation {
    return { jkt: this.thumbprint };
  }

  /** Creates a valid token that is bound to this key. */
  token(options: TokenOptions = {}): string {
    return this.#mint({ ...options, boundTo: this });
  }

  /** Creates a proof for one request, with a new `jti`: create a new one for each request. */
  proof({ method = 'GET', url, token, nonce, claims, header }: ProofOptions): string {
    const { origin, pathname } = new URL(url);
    return this.#key.sign(
      { alg: 'ES256', typ: 'dpop+jwt', jwk: this.#key.bareJwk, ...header },
      {
        jti: randomUUID(),
        htm: method,
        htu: origin + pathname,
        iat: nowInSeconds(),
        ath: sha256(token),
        nonce,
        ...claims,
      },
    );
  }

  /** Creates the headers of one request: the token, and a proof for it. */
  headers(options: ProofOptions): { readonly authorization: string; readonly dpop: string } {
    return { authorization: `DPoP ${options.token}`, dpop: this.proof(options) };
  }
}
