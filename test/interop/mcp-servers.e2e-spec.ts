/** Several MCP servers in one application, each a resource of its own, as the official client finds and uses them. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  discoverOAuthProtectedResourceMetadata,
  extractWWWAuthenticateParams,
} from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { Body, Controller, Post, Req, Res, type Type } from '@nestjs/common';
import { Audience, Claims, Scopes, type AccessTokenClaims } from 'nestjs-resource-server';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { Issuer } from '../support/issuer.js';
import { freePort } from '../support/ports.js';

interface Raw<T> {
  readonly raw?: T;
}

/** An MCP server at this path, which is its audience, too; its only tool says who calls. */
function mcpServer(origin: string, path: string, scope: string): Type {
  @Controller(path)
  @Audience(`${origin}/${path}`)
  @Scopes(scope)
  class McpController {
    @Post()
    async handle(
      @Req() request: IncomingMessage & Raw<IncomingMessage>,
      @Res() response: ServerResponse & Raw<ServerResponse> & { hijack?(): void },
      @Body() body: unknown,
      @Claims() claims: AccessTokenClaims,
    ): Promise<void> {
      const server = new McpServer({ name: path, version: '1.0.0' });
      server.registerTool('who', { description: 'Who calls' }, () => ({
        content: [{ type: 'text', text: `${claims.sub} at ${path}` }],
      }));
      const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
      response.hijack?.();
      await server.connect(transport as Transport);
      await transport.handleRequest(request.raw ?? request, response.raw ?? response, body);
    }
  }
  return McpController;
}

const PATHS = ['orders/mcp', 'stock/mcp'] as const;

describe.each(PLATFORMS)('two MCP servers in one application on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  beforeAll(async () => {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    issuer = await Issuer.start();
    app = await bootApp(
      { ...issuer.options, audience: PATHS.map((path) => `${origin}/${path}`), resourceMetadata: true },
      {
        platform,
        port,
        controllers: [
          mcpServer(origin, 'orders/mcp', 'read:orders'),
          mcpServer(origin, 'stock/mcp', 'read:stock'),
        ],
      },
    );
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  const callTool = async (url: string, token: string): Promise<unknown> => {
    const client = new Client({ name: 'test', version: '1.0.0' });
    const requestInit = { headers: { authorization: `Bearer ${token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }) as Transport);
    const { content } = await client.callTool({ name: 'who' });
    await client.close();
    return content;
  };

  it.each([
    ['orders/mcp', 'read:orders', 'stock/mcp'],
    ['stock/mcp', 'read:stock', 'orders/mcp'],
  ])('%s names its own document, and takes tokens for itself only', async (path, scope, other) => {
    const url = `${app.origin}/${path}`;
    const refused = await fetch(url, { method: 'POST', body: '{}' });
    expect(refused.status).toBe(401);
    const challenge = extractWWWAuthenticateParams(refused);
    expect(challenge).toEqual({
      resourceMetadataUrl: new URL(`${app.origin}/.well-known/oauth-protected-resource/${path}`),
      scope,
    });

    // As the challenge says, and as a client guesses it from the address.
    for (const { resourceMetadataUrl } of [challenge, {}]) {
      const metadata = await discoverOAuthProtectedResourceMetadata(url, {
        ...(resourceMetadataUrl && { resourceMetadataUrl }),
      });
      expect(metadata).toMatchObject({
        resource: url,
        authorization_servers: [issuer.server.issuer],
        scopes_supported: [scope],
      });
    }

    const token = issuer.token({ claims: { aud: url, scope: 'read:orders read:stock', sub: 'ann' } });
    expect(await callTool(url, token)).toEqual([{ type: 'text', text: `ann at ${path}` }]);
    await expect(callTool(`${app.origin}/${other}`, token)).rejects.toThrow(/401|Unauthorized/i);
    const lacking = issuer.token({ claims: { aud: url, scope: 'other', sub: 'ann' } });
    await expect(callTool(url, lacking)).rejects.toThrow(/403|scope/i);
  });
});
