/** An assistant: the official MCP client, which finds out by itself where to get a token, and signs a person in for it. */
import { UnauthorizedError, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { walkThroughLogin, type Person } from '#support/story/browser.js';
import { ORDERS } from '../idp/resources.js';

const CALLBACK = 'http://localhost:4042/callback';

/** What the client wants to have kept, and the person in front of the browser. */
class SignIn implements OAuthClientProvider {
  readonly redirectUrl = CALLBACK;
  readonly clientMetadata = {
    client_name: 'An assistant',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  #client: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = '';
  code = '';

  constructor(private readonly person: Person) {}

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#client;
  }
  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.#client = client;
  }
  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }
  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }
  codeVerifier(): string {
    return this.#verifier;
  }
  async redirectToAuthorization(url: URL): Promise<void> {
    const back = await walkThroughLogin(url, CALLBACK, this.person);
    this.code = back.searchParams.get('code') ?? '';
  }
}

export interface Assistant {
  /** What it asked for on the way, in order: path and status. */
  readonly journey: readonly string[];
  readonly token: () => string;
  callTool(name: string, input?: Record<string, unknown>): Promise<string>;
}

/** Knows the server's address, and nothing else. */
export async function openAssistant(person: Person): Promise<Assistant> {
  const signIn = new SignIn(person);
  const journey: string[] = [];
  const connect = async (): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> => {
    const client = new Client({ name: 'assistant', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(new URL(ORDERS), {
      authProvider: signIn,
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        const { port, pathname } = new URL(url);
        journey.push(`${init?.method ?? 'GET'} :${port}${pathname} ${response.status}`);
        return response;
      },
    });
    try {
      await client.connect(transport);
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      await transport.finishAuth(signIn.code);
      return connect();
    }
    return { client, transport };
  };
  const { client, transport } = await connect();
  return {
    journey,
    token: () => signIn.tokens()?.access_token ?? '',
    callTool: async (name, input = {}) => {
      const call = () => client.callTool({ name, arguments: input });
      const { content } = await call().catch(async (error: unknown) => {
        // A 403 with the scopes that it takes: the client has sent its person to grant them.
        if (!(error instanceof UnauthorizedError)) throw error;
        await transport.finishAuth(signIn.code);
        return call();
      });
      const [first] = content as { readonly text?: string }[];
      return first?.text ?? '';
    },
  };
}
