/** How is a proof sent that was made before? As it is, once, or many times at once. */
import type { Wire } from './client.js';

/** Makes it when it is first asked for, and that one again each time. */
export function once<Made>(make: () => Promise<Made>): () => Promise<Made> {
  let made: Promise<Made> | undefined;
  return () => (made ??= make());
}

export function sendWire({ authorization, proof }: Wire, method: string, url: string): Promise<Response> {
  return fetch(url, { method, headers: { authorization, dpop: proof } });
}

/** To the instances in turn, without waiting. Answers how many got which status, as the best of these. */
export async function sendAtOnce(wire: Wire, times: number, instances: readonly string[]): Promise<Response> {
  const turns = Array.from({ length: times }, (_, index) => instances[index % instances.length]);
  const responses = await Promise.all(turns.map((instance) => sendWire(wire, 'GET', `${instance}/orders`)));
  await Promise.all(responses.map((response) => response.text()));
  const statuses = responses.map(({ status }) => status);
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return new Response(JSON.stringify(counts), { status: Math.min(...statuses) });
}
