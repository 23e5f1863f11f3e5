/** The key of this process that tokens for other APIs are bound to, and the proofs that go with them. RFC 9449. */
import {
  allowInsecureRequests,
  clockSkew,
  customFetch,
  DPoP,
  generateKeyPair,
  isDPoPNonceError,
  protectedResourceRequest,
  type DPoPHandle,
} from 'oauth4webapi';
import type { ClaimsOptions } from '../token/check-claims.js';

/** What became of a request with a proof. */
export interface ProvenAnswer {
  readonly response: Response;
  /** The API requires a nonce, which the next proof holds (RFC 9449 section 9). */
  readonly requiresNonce: boolean;
}

export class DPoPKey {
  #handle: Promise<DPoPHandle> | undefined;

  constructor(private readonly options: Pick<ClaimsOptions, 'clockSkew'>) {}

  /** Made when it is first needed. Remembers the nonces of the servers that it is used at. */
  get handle(): Promise<DPoPHandle> {
    return (this.#handle ??= this.#make());
  }

  /**
   * Sends a request with the token and a fresh proof.
   *
   * @param send sends what the caller has, with these headers set
   */
  async send(
    token: string,
    method: string,
    url: URL,
    send: (headers: Readonly<Record<string, string>>) => Promise<Response>,
  ): Promise<ProvenAnswer> {
    let response: Response | undefined;
    let requiresNonce = false;
    try {
      await protectedResourceRequest(token, method, url, undefined, undefined, {
        DPoP: await this.handle,
        [allowInsecureRequests]: true,
        [customFetch]: async (_url, { headers }) => {
          const { authorization = '', dpop = '' } = headers;
          return (response = await send({ authorization, dpop }));
        },
      });
    } catch (error) {
      // The library throws for every answer with a challenge: that is the application's to read.
      if (!response) throw error;
      requiresNonce = isDPoPNonceError(error);
    }
    if (!response) throw new TypeError('the request was not sent');
    return { response, requiresNonce };
  }

  async #make(): Promise<DPoPHandle> {
    const key = await generateKeyPair('ES256');
    // The library adds to the clock what it is behind.
    return DPoP({ [clockSkew]: -this.options.clockSkew }, key);
  }
}
