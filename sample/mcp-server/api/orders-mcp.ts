/** What can an assistant do here, on behalf of the person whose token it has? The tools of the Model Context Protocol. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { AccessTokenClaims } from 'nestjs-resource-server';
import * as z from 'zod';
import { cancelOrder, listOrders } from './data.js';

/** What a tool requires beside the scope that all of them do. */
const TOOL_SCOPES: ReadonlyMap<unknown, string> = new Map([['cancel_order', 'write:orders']]);

/** @param body one JSON-RPC message, or several */
export function scopesFor(body: unknown): readonly string[] {
  const messages = [body].flat() as readonly ({ params?: { name?: unknown } } | null)[];
  return messages.flatMap((message) => TOOL_SCOPES.get(message?.params?.name) ?? []);
}

const say = (text: string) => ({ content: [{ type: 'text' as const, text }] });

/** One for each request: it knows whose claims these are. */
export function createOrdersServer({ sub }: AccessTokenClaims): McpServer {
  const server = new McpServer({ name: 'orders', version: '1.0.0' });
  server.registerTool('list_orders', { description: 'The open orders' }, () =>
    say(JSON.stringify({ orders: listOrders(), for: sub })),
  );
  server.registerTool(
    'cancel_order',
    { description: 'Cancels an order', inputSchema: { id: z.number().int() } },
    ({ id }) => say(cancelOrder(id) ? `order ${id} is cancelled` : `there is no order ${id}`),
  );
  return server;
}
