/** The requests of the sample and their expected responses. */
import type { Step } from '#support/story/step.js';
import { bearer } from '#support/story/step.js';
import { ORDERS } from '../idp/resources.js';
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Assistant } from './assistant.js';

const { origin } = new URL(ORDERS);
const METADATA = `${origin}/.well-known/oauth-protected-resource/mcp`;

export interface Cast {
  readonly clerk: Assistant;
  readonly boss: Assistant;
}

export function writeSteps({ clerk, boss }: Cast): readonly Step[] {
  const post = (story: string, token: string, expected: number, says: RegExp): Step => ({
    story,
    method: 'POST',
    url: ORDERS,
    authorization: bearer(token),
    body: { jsonrpc: '2.0', id: 1, method: 'tools/list' },
    expected,
    says,
  });
  const tool = (story: string, who: Assistant, name: string, says: RegExp, input = {}): Step => ({
    story,
    method: 'POST',
    url: ORDERS,
    authorization: '',
    send: () => answerOf(who.callTool(name, input)),
    expected: 200,
    says,
  });
  const cancel = (story: string, token: string, expected: number, says: RegExp): Step => ({
    ...post(story, token, expected, says),
    body: {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'cancel_order', arguments: { id: 2 } },
    },
  });
  return [
    {
      chapter: 'Discovery',
      ...post(
        'no token: the challenge names the metadata',
        '',
        401,
        new RegExp(`resource_metadata="${METADATA}"`),
      ),
    },
    {
      story: 'the metadata (RFC 9728), without a token',
      method: 'GET',
      url: METADATA,
      authorization: '',
      expected: 200,
      says: /"authorization_servers":\["http:\/\/localhost:4040"\]/,
    },
    {
      story: 'a public route',
      method: 'GET',
      url: `${origin}/status`,
      authorization: '',
      expected: 200,
      says: /up/,
    },
    {
      chapter: 'An assistant, signed in by the clerk, who may only read',
      ...tool('lists the orders', clerk, 'list_orders', /"for":"clerk"/),
    },
    cancel(
      'calls a tool that requires another scope',
      clerk.token(),
      403,
      new RegExp(
        `^Bearer error="insufficient_scope", scope="read:orders write:orders", resource_metadata="${METADATA}"$`,
      ),
    ),
    {
      ...tool(
        'requests the scope, which is not granted',
        clerk,
        'cancel_order',
        /403 after trying upscoping/,
        {
          id: 1,
        },
      ),
      expected: 403,
    },
    {
      chapter: 'An assistant, signed in by the boss, who may grant more',
      ...tool('lists the orders', boss, 'list_orders', /a lamp/),
    },
    tool('requests the scope, and cancels an order', boss, 'cancel_order', /order 1 is cancelled/, {
      id: 1,
    }),
    tool('lists the other orders with the same token', boss, 'list_orders', /a chair/),
    {
      chapter: 'Without the official client',
      ...post('a forged token', `${boss.token().slice(0, -8)}AAAAAAAA`, 401, /error="invalid_token"/),
    },
  ];
}

/** The result of a tool call; an HTTP error as a response with its status. */
async function answerOf(call: Promise<string>): Promise<Response> {
  try {
    return new Response(await call);
  } catch (error) {
    if (error instanceof StreamableHTTPError)
      return new Response(error.message, { status: error.code ?? 500 });
    throw error;
  }
}
