/** How do clients ask? Operations by HTTP, subscriptions over graphql-transport-ws. The answers, in one line each. */
import { createClient, type FormattedExecutionResult } from 'graphql-ws';
import { WebSocket } from 'ws';
import { bearer } from '#support/story/step.js';

export const API = 'http://localhost:4051/graphql';

type Answer = FormattedExecutionResult<Record<string, unknown>, unknown>;

const PLACE = 'mutation { place(item: "a bulb") { id } }';

/** The answer as the client gets it; a challenge is told, too, since it stands beside an answer of 200. */
export async function ask(query: string, token: string): Promise<Response> {
  const response = await fetch(API, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: bearer(token) }) },
    body: JSON.stringify({ query }),
  });
  const challenge = response.headers.get('www-authenticate');
  const answer = describe((await response.json()) as Answer);
  return new Response(challenge === null ? answer : `${answer} [${challenge}]`, { status: response.status });
}

/** Opens a subscription, has an order placed as soon as it is open, and tells everything that comes until it ends. */
export async function watch(token: string, shopToken: string): Promise<Response> {
  const client = createClient({
    url: API.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: token ? { authorization: bearer(token) } : {},
    retryAttempts: 0,
  });
  const heard: string[] = [];
  const placing = setTimeout(() => void ask(PLACE, shopToken), 500);
  await new Promise<void>((resolve) => {
    client.subscribe(
      { query: 'subscription { placed { item } }' },
      {
        next: (result) => void heard.push(describe(result)),
        error: (error) => {
          heard.push(`ended: ${describe({ errors: error as never })}`);
          resolve();
        },
        complete: resolve,
      },
    );
  });
  clearTimeout(placing);
  await client.dispose();
  return new Response(heard.join(', then '), { status: 200 });
}

function describe({ data, errors = [] }: Answer): string {
  const refusals = errors.map(({ path, extensions }) =>
    `${path?.join('.') ?? ''} ${String(extensions?.['code'])}`.trim(),
  );
  return [...(data ? [JSON.stringify(data)] : []), ...refusals].join(', ');
}
