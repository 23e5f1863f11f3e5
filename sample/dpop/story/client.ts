/** How does a program use DPoP? With oauth4webapi: a key pair, a handle, and once more where a nonce is asked for. */
import * as oauth from 'oauth4webapi';
import { overHttp } from '#support/story/client-credentials.js';
import { SCOPE, shop } from '../idp/clients.js';
import { ORDERS } from '../idp/resources.js';

/** What goes over the wire, as somebody sees it who should not. */
export interface Wire {
  readonly authorization: string;
  readonly proof: string;
}

/** RFC 9449 section 8: the server says which nonce, the handle remembers it, and the same call goes through. */
async function withNonce<Result>(attempt: () => Promise<Result>): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return attempt();
  }
}

/** oauth4webapi throws a challenge; in a story it is an answer like another. */
async function asAnswer(call: () => Promise<Response>): Promise<Response> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof oauth.WWWAuthenticateChallengeError) return error.response;
    throw error;
  }
}

/** One key pair: the private half never leaves the process, and no token has it in it. */
export class DPoPClient {
  private constructor(private readonly handle: oauth.DPoPHandle) {}

  static async withNewKey(): Promise<DPoPClient> {
    return new DPoPClient(oauth.DPoP({}, await oauth.generateKeyPair('ES256')));
  }

  /** A token that is bound to this key: `cnf.jkt` is the thumbprint. */
  async requestToken(server: oauth.AuthorizationServer): Promise<string> {
    const client = { client_id: shop.id };
    const request = async (): Promise<oauth.TokenEndpointResponse> => {
      const response = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        oauth.ClientSecretBasic(shop.secret),
        { resource: ORDERS, scope: SCOPE },
        { DPoP: this.handle, ...overHttp },
      );
      return oauth.processClientCredentialsResponse(server, client, response);
    };
    const { access_token, token_type } = await withNonce(request);
    if (token_type !== 'dpop') throw new Error(`the token is of type ${token_type}, not DPoP`);
    return access_token;
  }

  /** What a program does: twice at most, when a nonce is asked for. */
  request(token: string, method: string, url: string): Promise<Response> {
    return asAnswer(() => withNonce(() => this.#call(token, method, url)));
  }

  /** Half of it: once only, so that the story can show the challenge. */
  attempt(token: string, method: string, url: string): Promise<Response> {
    return asAnswer(() => this.#call(token, method, url));
  }

  /** Makes a request and holds it back: its proof is good, and nobody has seen it. */
  async prepare(token: string, method: string, url: string): Promise<Wire> {
    let headers = new Headers();
    await this.#call(token, method, url, {
      [oauth.customFetch]: async (_url, options) => {
        headers = new Headers(options.headers);
        return new Response();
      },
    });
    return { authorization: headers.get('authorization') ?? '', proof: headers.get('dpop') ?? '' };
  }

  #call(
    token: string,
    method: string,
    url: string,
    options: oauth.ProtectedResourceRequestOptions = {},
  ): Promise<Response> {
    return oauth.protectedResourceRequest(token, method, new URL(url), undefined, undefined, {
      DPoP: this.handle,
      ...overHttp,
      ...options,
    });
  }
}
