/** DPoP proofs: good by default, each test spoils one part. RFC 9449 section 4.2. */
import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { keepSecret } from './no-secrets-in-output.js';
import { makeKey, nowInSeconds, signToken, type SigningKey, type TokenParts } from './tokens.js';

export interface ProofRequest {
  readonly url: string;
  readonly method?: string;
  readonly token: string;
}

export class DPoPClient {
  private constructor(
    readonly key: SigningKey,
    readonly publicJwk: JWK,
    readonly jkt: string,
  ) {}

  static async make(alg = 'ES256'): Promise<DPoPClient> {
    const key = makeKey(alg);
    const publicJwk = key.publicKey.export({ format: 'jwk' }) as JWK;
    return new DPoPClient(key, publicJwk, await calculateJwkThumbprint(publicJwk));
  }

  /** A good proof but for the parts named. */
  proof({ url, method = 'GET', token }: ProofRequest, parts: TokenParts = {}): string {
    const claims = {
      jti: randomUUID(),
      htm: method,
      htu: url,
      iat: nowInSeconds(),
      ath: createHash('sha256').update(token).digest('base64url'),
      ...parts.claims,
    };
    const header = { typ: 'dpop+jwt', kid: undefined, jwk: this.publicJwk, ...parts.header };
    return keepSecret(signToken(this.key, claims, { ...parts, header, claims: {} }));
  }

  /** The headers of a request with token and proof. */
  headers(request: ProofRequest, parts?: TokenParts): Record<string, string> {
    return { authorization: `DPoP ${request.token}`, dpop: this.proof(request, parts) };
  }
}
