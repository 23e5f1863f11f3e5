/** The MCP endpoint: streamable HTTP without sessions. Who may call it is declared as on any route. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { Body, Controller, Get, MethodNotAllowedException, Post, Req, Res } from '@nestjs/common';
import { Claims, Scopes, type AccessTokenClaims } from 'nestjs-resource-server';
import { createOrdersServer } from './orders-mcp.js';

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
    const server = createOrdersServer(claims);
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    response.on('close', () => void server.close());
    await server.connect(transport);
    await transport.handleRequest(request, response, body);
  }
}
