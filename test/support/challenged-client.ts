/**
 * A client of oauth4webapi that knows one API by its address, and nothing of this package: where to get a token, for which
 * scopes and by what kind of sign-in, it reads in the challenges (RFC 6750, RFC 9470, RFC 9728). And its user's
 * authorization server: each authorization request is answered as it says.
 */
import { randomUUID } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { sendJson } from './authorization-server.js';
import type { Issuer } from './issuer.js';
import { nowInSeconds } from './tokens.js';

const REDIRECT_URI = 'https://client.example/callback';
const OVER_HTTP = { [oauth.allowInsecureRequests]: true };

export type Kind = 'signed' | 'opaque';

interface SignIn {
  readonly acr: string;
  readonly auth_time: number;
}

/** The user signs in again where the request says so, and by the first of the means that it names. */
export class SigningIn {
  /** Parameters of the authorization requests, in order. */
  readonly requests: Readonly<Record<string, string>>[] = [];
  readonly #codes = new Map<string, Readonly<Record<string, string>>>();
  #session: SignIn = { acr: 'password', auth_time: nowInSeconds() };

  constructor(
    private readonly issuer: Issuer,
    private readonly kind: Kind,
  ) {
    issuer.server.answer('/authorize', (request, response) => {
      const asked = Object.fromEntries(new URL(request.url ?? '', issuer.server.origin).searchParams);
      this.requests.push(asked);
      const { acr } = this.#session;
      const isOld = nowInSeconds() - this.#session.auth_time > Number(asked['max_age'] ?? Infinity);
      const [wanted = acr] = asked['acr_values']?.split(' ') ?? [];
      if (isOld || wanted !== acr) this.#session = { acr: wanted, auth_time: nowInSeconds() };
      const code = randomUUID();
      this.#codes.set(code, asked);
      const location = new URL(asked['redirect_uri'] ?? '');
      location.search = new URLSearchParams({ code, state: asked['state'] ?? '' }).toString();
      response.writeHead(302, { location: location.href }).end();
    });
    issuer.server.answer('/token', (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const asked = this.#codes.get(new URLSearchParams(body).get('code') ?? '');
        if (!asked) return response.writeHead(400).end('{"error":"invalid_grant"}');
        return sendJson(response, {
          access_token: this.token({ scope: asked['scope'] ?? '', aud: asked['resource'] }),
          token_type: 'Bearer',
          expires_in: 7200,
        });
      });
    });
  }

  token(claims: Record<string, unknown>): string {
    const all = { ...this.#session, exp: nowInSeconds() + 7200, ...claims };
    return this.kind === 'signed' ? this.issuer.token({ claims: all }) : this.issuer.opaqueToken(all);
  }
}

type Challenge = oauth.WWWAuthenticateChallenge;

export class ChallengedClient {
  readonly #client: oauth.Client = { client_id: 'the-client' };
  /** What it was answered, in order: the status, and the challenge that it acted on. */
  readonly journey: (readonly [number, Readonly<Record<string, string | undefined>>])[] = [];
  token = '';

  /** Asks until it is answered, or until it has done what a challenge says and reads the same again. */
  async get(url: string): Promise<Response> {
    let last = '';
    for (;;) {
      const { response, challenges } = await this.#attempt(url);
      const challenge =
        challenges.find(({ parameters }) => parameters['error'] !== undefined) ??
        challenges.find(({ scheme }) => scheme === 'bearer');
      const { resource_metadata: metadata, error_description: _, ...said } = challenge?.parameters ?? {};
      this.journey.push([response.status, said]);
      if (metadata === undefined || JSON.stringify(said) === last) return response;
      last = JSON.stringify(said);
      this.token = await this.#signIn(metadata, said);
    }
  }

  async #attempt(
    url: string,
  ): Promise<{ readonly response: Response; readonly challenges: readonly Challenge[] }> {
    try {
      const response = await oauth.protectedResourceRequest(
        this.token || 'none',
        'GET',
        new URL(url),
        undefined,
        undefined,
        // The library sends no request without a token.
        {
          ...OVER_HTTP,
          [oauth.customFetch]: (to, { headers }) => fetch(to, this.token ? { headers } : {}),
        },
      );
      return { response, challenges: [] };
    } catch (error) {
      if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error;
      return { response: error.response, challenges: error.cause };
    }
  }

  async #signIn(metadata: string, said: Readonly<Record<string, string | undefined>>): Promise<string> {
    const { resource, authorization_servers: [name = ''] = [] } = (await (await fetch(metadata)).json()) as {
      readonly resource: string;
      readonly authorization_servers?: readonly string[];
    };
    const issuer = new URL(name);
    const server = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, OVER_HTTP),
    );
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const url = new URL(server.authorization_endpoint ?? '');
    const { scope, acr_values, max_age } = said;
    for (const [parameter, value] of Object.entries({
      client_id: this.#client.client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      resource,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      scope,
      acr_values,
      max_age,
    }))
      if (value !== undefined) url.searchParams.set(parameter, value);
    const redirect = await fetch(url, { redirect: 'manual' });
    const back = new URL(redirect.headers.get('location') ?? '');
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      this.#client,
      oauth.None(),
      oauth.validateAuthResponse(server, this.#client, back, state),
      REDIRECT_URI,
      verifier,
      OVER_HTTP,
    );
    return (await oauth.processAuthorizationCodeResponse(server, this.#client, response)).access_token;
  }
}
