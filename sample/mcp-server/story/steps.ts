/** What is tried, and what has to come of it? */
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
      chapter: 'How a client finds its way',
      ...post(
        'nobody: where to go stands in the challenge',
        '',
        401,
        new RegExp(`resource_metadata="${METADATA}"`),
      ),
    },
    {
      story: 'anybody: the document of RFC 9728',
      method: 'GET',
      url: METADATA,
      authorization: '',
      expected: 200,
      says: /"authorization_servers":\["http:\/\/localhost:4040"\]/,
    },
    {
      story: 'anybody: whether it is up',
      method: 'GET',
      url: `${origin}/status`,
      authorization: '',
      expected: 200,
      says: /up/,
    },
    {
      chapter: 'An assistant, signed in by the clerk, who may read',
      ...tool('reads the orders', clerk, 'list_orders', /"for":"clerk"/),
    },
    cancel(
      'sends the call for one that takes more',
      clerk.token(),
      403,
      new RegExp(
        `^Bearer error="insufficient_scope", scope="read:orders write:orders", resource_metadata="${METADATA}"$`,
      ),
    ),
    {
      ...tool('asks for that, and is not granted it', clerk, 'cancel_order', /403 after trying upscoping/, {
        id: 1,
      }),
      expected: 403,
    },
    {
      chapter: 'An assistant, signed in by the boss, who may grant more',
      ...tool('reads the orders', boss, 'list_orders', /a lamp/),
    },
    tool('cancels one: asks for more, and is granted it', boss, 'cancel_order', /order 1 is cancelled/, {
      id: 1,
    }),
    tool('reads the rest with the same token', boss, 'list_orders', /a chair/),
    {
      chapter: 'Without the official client',
      ...post('a forged token', `${boss.token().slice(0, -8)}AAAAAAAA`, 401, /error="invalid_token"/),
    },
  ];
}

/** Of a call that ends with an error of HTTP, that error. */
async function answerOf(call: Promise<string>): Promise<Response> {
  try {
    return new Response(await call);
  } catch (error) {
    if (error instanceof StreamableHTTPError)
      return new Response(error.message, { status: error.code ?? 500 });
    throw error;
  }
}
