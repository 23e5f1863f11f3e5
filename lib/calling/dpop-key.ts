/** The key of this process that tokens for other APIs are bound to, and its proofs. RFC 9449. */
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

/** The result of a request with a proof. */
export interface ProvenAnswer {
  readonly response: Response;
  /** The API requires a nonce, which the next proof contains (RFC 9449 section 9). */
  readonly requiresNonce: boolean;
}

export class DPoPKey {
  #handle: Promise<DPoPHandle> | undefined;

  constructor(private readonly options: Pick<ClaimsOptions, 'clockSkew'>) {}

  /** Created when it is first needed. Keeps the nonces of the servers that it is used with. */
  get handle(): Promise<DPoPHandle> {
    return (this.#handle ??= this.#make());
  }

  /**
   * Sends a request with the token and a fresh proof.
   *
   * @param send sends the caller's request with these headers set
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
      // The library throws for every response with a challenge. The application reads the challenge itself.
      if (!response) throw error;
      requiresNonce = isDPoPNonceError(error);
    }
    if (!response) throw new TypeError('the request was not sent');
    return { response, requiresNonce };
  }

  async #make(): Promise<DPoPHandle> {
    const key = await generateKeyPair('ES256');
    // The library adds the delay of this clock.
    return DPoP({ [clockSkew]: -this.options.clockSkew }, key);
  }
}
