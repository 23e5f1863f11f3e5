/** Where do the story's tokens come from? From the authorization server, in the two ways that real ones do. */
import * as oauth from 'oauth4webapi';
import { SHOP_WEB_CALLBACK, shopWeb } from '../idp/clients.js';
import type { User } from '../idp/users.js';
import { walkThroughLogin } from './browser.js';

interface Credentials {
  readonly id: string;
  readonly secret: string;
}

// Plain HTTP is fine here for one reason only: everything is on this machine.
const http = { [oauth.allowInsecureRequests]: true };

export class TokenSource {
  readonly #server: oauth.AuthorizationServer;

  private constructor(server: oauth.AuthorizationServer) {
    this.#server = server;
  }

  static async discover(issuer: URL): Promise<TokenSource> {
    const response = await oauth.discoveryRequest(issuer, http);
    return new TokenSource(await oauth.processDiscoveryResponse(issuer, response));
  }

  /** A program asks for itself: the client credentials grant, RFC 6749 section 4.4. */
  async requestForClient(credentials: Credentials, resource: string, scope: string): Promise<string> {
    const client = { client_id: credentials.id };
    const response = await oauth.clientCredentialsGrantRequest(
      this.#server,
      client,
      oauth.ClientSecretBasic(credentials.secret),
      { resource, scope },
      http,
    );
    const { access_token } = await oauth.processClientCredentialsResponse(this.#server, client, response);
    return access_token;
  }

  /** A person signs in to the front end: authorization code and PKCE, RFC 6749 section 4.1 and RFC 7636. */
  async signIn(user: User, resource: string, scope: string): Promise<string> {
    const client = { client_id: shopWeb.id };
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();

    const url = new URL(this.#server.authorization_endpoint ?? '');
    url.search = new URLSearchParams({
      client_id: shopWeb.id,
      redirect_uri: SHOP_WEB_CALLBACK,
      response_type: 'code',
      scope: `openid ${scope}`,
      resource,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString();

    const callback = await walkThroughLogin(url, SHOP_WEB_CALLBACK, user);
    const response = await oauth.authorizationCodeGrantRequest(
      this.#server,
      client,
      oauth.ClientSecretBasic(shopWeb.secret),
      oauth.validateAuthResponse(this.#server, client, callback, state),
      SHOP_WEB_CALLBACK,
      verifier,
      { ...http, additionalParameters: { resource } },
    );
    const { access_token } = await oauth.processAuthorizationCodeResponse(this.#server, client, response);
    return access_token;
  }
}
