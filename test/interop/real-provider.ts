/** The provider of one-port-provider.mjs, as an application and its users meet it. */
import type { ClientMetadata } from 'oidc-provider';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, fetch } from 'undici';
import { makeAuthority } from '../support/certificates.js';
import { AUDIENCE } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';

/** The application that calls the API. */
export const CALLER_ID = 'the-caller';
const CALLER_SECRET = keepSecret('a-secret-of-the-caller');
const REDIRECT_URI = 'https://app.example.com/callback';

const CALLER: ClientMetadata = {
  client_id: CALLER_ID,
  client_secret: CALLER_SECRET,
  grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: [REDIRECT_URI],
};

/** What an application holds when somebody has signed in. */
export interface SignedIn {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly idToken: string;
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** `fetch` over TLS with these certificates. */
export function fetchOver(connect: {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}): Fetch {
  const dispatcher = new Agent({ connect });
  // Its types speak of its own Request and Response, which are those of Node's fetch.
  return (url, init) => fetch(url, { ...init, dispatcher } as never);
}

export class RealProvider {
  /** Trusts the provider. */
  readonly fetch: Fetch;

  private constructor(
    private readonly child: ChildProcess,
    readonly issuer: string,
    /** The authority of its certificate, in PEM. */
    readonly ca: string,
  ) {
    this.fetch = fetchOver({ ca });
  }

  /**
   * @param clients those that introspect
   * @param clientCa whose client certificates it trusts, in PEM
   */
  static async start(clients: readonly ClientMetadata[], clientCa: string): Promise<RealProvider> {
    const authority = await makeAuthority('The authority of the provider');
    const { cert, key } = await authority.issue({ commonName: 'The provider', san: ['127.0.0.1'] });
    const child = fork('test/interop/one-port-provider.mjs', {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.send({ cert, key, ca: clientCa, clients: [CALLER, ...clients] });
    const [{ issuer }] = (await once(child, 'message')) as [{ issuer: string }];
    return new RealProvider(child, issuer, authority.cert);
  }

  /** An opaque access token by client credentials. */
  async accessToken(): Promise<string> {
    const answer = await this.#post('/token', {
      grant_type: 'client_credentials',
      scope: 'read:things',
      resource: AUDIENCE,
    });
    const { access_token } = (await answer.json()) as { access_token: string };
    return keepSecret(access_token);
  }

  async revoke(token: string): Promise<void> {
    const { status } = await this.#post('/token/revocation', { token });
    if (status !== 200) throw new Error(`the revocation was answered with ${status}`);
  }

  /** Ann signs in: the authorization code flow. */
  async signIn(): Promise<SignedIn> {
    const answer = await this.#post('/token', {
      grant_type: 'authorization_code',
      code: await this.#authorize(),
      redirect_uri: REDIRECT_URI,
    });
    const tokens = (await answer.json()) as Record<'access_token' | 'refresh_token' | 'id_token', string>;
    return {
      accessToken: keepSecret(tokens.access_token),
      refreshToken: keepSecret(tokens.refresh_token),
      idToken: keepSecret(tokens.id_token),
    };
  }

  stop(): void {
    this.child.kill();
  }

  #post(path: string, parameters: Record<string, string>): Promise<Response> {
    const credentials = Buffer.from(`${CALLER_ID}:${CALLER_SECRET}`).toString('base64');
    return this.fetch(this.issuer + path, {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}` },
      body: new URLSearchParams(parameters),
    });
  }

  /** A browser's way to the code: redirects and cookies. */
  async #authorize(): Promise<string> {
    const parameters = new URLSearchParams({
      client_id: CALLER_ID,
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: 'openid offline_access read:things',
      prompt: 'consent',
      nonce: 'a-nonce-of-the-caller',
      resource: AUDIENCE,
    });
    const cookies = new Map<string, string>();
    let url = new URL(`/auth?${parameters.toString()}`, this.issuer);
    while (url.origin === this.issuer) {
      const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
      const answer = await this.fetch(url.href, { headers: { cookie }, redirect: 'manual' });
      for (const each of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(each) ?? [];
        cookies.set(name, value);
      }
      const location = answer.headers.get('location');
      if (location === null) throw new Error(`signing in ended at ${url.pathname} with ${answer.status}`);
      url = new URL(location, url);
    }
    const code = url.searchParams.get('code');
    if (code === null) throw new Error(`signing in ended with ${url.searchParams.get('error')}`);
    return code;
  }
}
