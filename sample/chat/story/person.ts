/** Somebody with a token: signs in as the page does, and renews with a refresh token. */
import * as oauth from 'oauth4webapi';
import { walkThroughLogin } from '#support/story/browser.js';
import { discover, overHttp } from '#support/story/client-credentials.js';
import { CHAT, SCOPES } from '../idp/resources.js';
import type { User } from '../idp/users.js';

const ISSUER = new URL('http://localhost:4070');
const CALLBACK = 'http://localhost:4071/';

export class Person {
  private constructor(
    private readonly server: oauth.AuthorizationServer,
    private readonly client: oauth.Client,
    private tokens: oauth.TokenEndpointResponse,
  ) {}

  get token(): string {
    return this.tokens.access_token;
  }

  static async signIn(user: User, clientId: string): Promise<Person> {
    const server = await discover(ISSUER);
    const client = { client_id: clientId };
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const url = new URL(server.authorization_endpoint ?? '');
    url.search = new URLSearchParams({
      client_id: clientId,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: ['openid', ...SCOPES].join(' '),
      resource: CHAT,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString();
    const back = await walkThroughLogin(url, CALLBACK, user);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      oauth.validateAuthResponse(server, client, back, state),
      CALLBACK,
      verifier,
      { ...overHttp, additionalParameters: { resource: CHAT } },
    );
    return new Person(server, client, await oauth.processAuthorizationCodeResponse(server, client, response));
  }

  async renew(): Promise<string> {
    const response = await oauth.refreshTokenGrantRequest(
      this.server,
      this.client,
      oauth.None(),
      this.tokens.refresh_token ?? '',
      { ...overHttp, additionalParameters: { resource: CHAT } },
    );
    this.tokens = await oauth.processRefreshTokenResponse(this.server, this.client, response);
    return this.token;
  }
}
