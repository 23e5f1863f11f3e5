/**
 * A client of oauth4webapi that knows one address and its own name, and nothing of the API: what it does next, it reads in
 * the challenge (RFC 6750, RFC 9470, RFC 9728).
 */
import * as oauth from 'oauth4webapi';
import { walkThroughLogin, type Person } from '#support/story/browser.js';
import { overHttp } from '#support/story/client-credentials.js';
import { CookieJar } from '#support/story/cookie-jar.js';

const CALLBACK = 'http://localhost:4062/callback';
const MAX_ROUNDS = 5;

type Challenge = oauth.WWWAuthenticateChallengeParameters;

export class BankApp {
  readonly #client: oauth.Client = { client_id: 'bank-app' };
  /** The person's browser, which stays signed in. */
  readonly #jar = new CookieJar();
  readonly #scopes = new Set(['openid']);
  #server: { readonly resource: string; readonly issuer: oauth.AuthorizationServer } | undefined;
  token = '';
  /** What it did, in order. */
  readonly journey: string[] = [];

  constructor(private readonly person: Person) {}

  /** Sends the request, and does what the challenges say until it is answered. */
  async request(method: string, url: string): Promise<Response> {
    let said = '';
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const answer = await this.attempt(method, url);
      if (answer.ok) return answer.response;
      const { challenge, response } = answer;
      // The same words again: doing the same again helps nobody.
      if (!challenge || JSON.stringify(challenge) === said) return response;
      said = JSON.stringify(challenge);
      await this.#signIn(challenge);
    }
    throw new Error('one challenge after the other');
  }

  /** Sends it once. */
  async attempt(
    method: string,
    url: string,
  ): Promise<
    | { readonly ok: true; readonly response: Response }
    | { readonly ok: false; readonly response: Response; readonly challenge: Challenge | undefined }
  > {
    try {
      const response = await oauth.protectedResourceRequest(
        this.token || 'none',
        method,
        new URL(url),
        undefined,
        undefined,
        { ...overHttp, [oauth.customFetch]: (to, options) => this.#send(to, options) },
      );
      return { ok: true, response };
    } catch (error) {
      if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error;
      return { ok: false, response: error.response, challenge: error.cause[0]?.parameters };
    }
  }

  async #send(url: string, { headers, ...options }: oauth.CustomFetchOptions<string, unknown>) {
    const sent = new Headers(headers);
    if (!this.token) sent.delete('authorization');
    const response = await fetch(url, { method: options.method, headers: sent });
    const challenge = response.headers.get('www-authenticate');
    this.journey.push(
      `${options.method} ${new URL(url).pathname} ${response.status} ${challenge ?? ''}`.trim(),
    );
    return response;
  }

  /** A token as the challenge asks for: these scopes, a sign-in at most so old, by one of these means. */
  async #signIn({ scope, acr_values, max_age, resource_metadata }: Challenge): Promise<void> {
    const { issuer, resource } = (this.#server ??= await discover(resource_metadata));
    for (const each of scope?.split(' ') ?? []) this.#scopes.add(each);
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const url = new URL(issuer.authorization_endpoint ?? '');
    url.search = new URLSearchParams({
      client_id: this.#client.client_id,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: [...this.#scopes].join(' '),
      resource,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(acr_values !== undefined && { acr_values }),
      ...(max_age !== undefined && { max_age }),
    }).toString();
    const asked = ['scope', 'max_age', 'acr_values'].flatMap((name) => {
      const value = url.searchParams.get(name);
      return value === null ? [] : [`${name}="${value}"`];
    });
    this.journey.push(`     signs in: ${asked.join(', ')}`);
    const back = await walkThroughLogin(url, CALLBACK, this.person, this.#jar);
    const response = await oauth.authorizationCodeGrantRequest(
      issuer,
      this.#client,
      oauth.None(),
      oauth.validateAuthResponse(issuer, this.#client, back, state),
      CALLBACK,
      verifier,
      { ...overHttp, additionalParameters: { resource } },
    );
    this.token = (await oauth.processAuthorizationCodeResponse(issuer, this.#client, response)).access_token;
  }
}

/** From the API's own document to its authorization server. */
async function discover(address: string | undefined) {
  if (address === undefined) throw new Error('the challenge does not say where to get a token');
  const { resource, authorization_servers: [issuer] = [] } = (await (await fetch(address)).json()) as {
    resource: string;
    authorization_servers?: string[];
  };
  if (issuer === undefined) throw new Error(`${address} names no authorization server`);
  const response = await oauth.discoveryRequest(new URL(issuer), overHttp);
  return { resource, issuer: await oauth.processDiscoveryResponse(new URL(issuer), response) };
}
