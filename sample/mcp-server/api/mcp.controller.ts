/** The MCP endpoint: streamable HTTP without sessions. Who may call it is declared as on any route. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { Body, Controller, Get, MethodNotAllowedException, Post, Req, Res } from '@nestjs/common';
import { Claims, requireScopes, Scopes, type AccessTokenClaims } from 'nestjs-resource-server';
import { createOrdersServer, scopesFor } from './orders-mcp.js';

@Controller('mcp')
@Scopes('read:orders')
export class McpController {
  /** There is nothing to stream without a request: clients ask, and go on without. */
  @Get()
  stream(): never {
    throw new MethodNotAllowedException();
  }

  @Post()
  async handle(
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
    @Body() body: unknown,
    @Claims() claims: AccessTokenClaims,
  ): Promise<void> {
    // All tools share this route. Before the SDK, which would answer an error of a tool with 200: clients act on a 403.
    const scopes = scopesFor(body);
    if (scopes.length > 0) requireScopes(request, 'read:orders', ...scopes);
    const server = createOrdersServer(claims);
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    response.on('close', () => void server.close());
    await server.connect(transport);
    await transport.handleRequest(request, response, body);
  }
}
