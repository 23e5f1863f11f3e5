/** What can an assistant do here, on behalf of the person whose token it has? The tools of the Model Context Protocol. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { AccessTokenClaims } from 'nestjs-resource-server';
import * as z from 'zod';
import { cancelOrder, listOrders } from './data.js';

const say = (text: string, isError = false) => ({ content: [{ type: 'text' as const, text }], isError });

/** One for each request: it knows whose claims these are. */
export function createOrdersServer({ sub, scope = '' }: AccessTokenClaims): McpServer {
  const server = new McpServer({ name: 'orders', version: '1.0.0' });
  server.registerTool('list_orders', { description: 'The open orders' }, () =>
    say(JSON.stringify({ orders: listOrders(), for: sub })),
  );
  server.registerTool(
    'cancel_order',
    { description: 'Cancels an order', inputSchema: { id: z.number().int() } },
    ({ id }) => {
      // All tools share one route: what a single one asks beyond it is judged here.
      if (!scope.split(' ').includes('write:orders')) return say('needs the scope write:orders', true);
      return say(cancelOrder(id) ? `order ${id} is cancelled` : `there is no order ${id}`);
    },
  );
  return server;
}
