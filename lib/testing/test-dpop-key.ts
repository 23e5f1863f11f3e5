/** How does a client show that it holds the key its token is bound to? RFC 9449 section 4. */
import { randomUUID } from 'node:crypto';
import type { Confirmation } from '../token/access-token-claims.js';
import { nowInSeconds, type Bindable, type MintToken, type TokenOptions } from './mint.js';
import { SigningKey, sha256 } from './signing-key.js';

export interface ProofOptions {
  /** @default 'GET' */
  readonly method?: string;
  /** The URL of the request; query and fragment are left out of the proof (RFC 9449 section 4.2). */
  readonly url: string;
  /** The access token that goes with it. */
  readonly token: string;
  /** What the server sent in `DPoP-Nonce`. */
  readonly nonce?: string;
  /** Claims of the proof that differ; `undefined` removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Members of the proof's header that differ; `undefined` removes one. */
  readonly header?: Readonly<Record<string, unknown>>;
}

export class TestDPoPKey implements Bindable {
  /** The token's `cnf.jkt` (RFC 7638). */
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

  /** A good token, bound to this key. */
  token(options: TokenOptions = {}): string {
    return this.#mint({ ...options, boundTo: this });
  }

  /** A proof for one request, with a `jti` of its own: make a new one for each. */
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

  /** The headers of one request: the token, and a proof for it. */
  headers(options: ProofOptions): { readonly authorization: string; readonly dpop: string } {
    return { authorization: `DPoP ${options.token}`, dpop: this.proof(options) };
  }
}
