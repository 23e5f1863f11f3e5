/** A server under load: its process, and requests per second with a list of tokens in rotation. */
import autocannon from 'autocannon';
import { fork } from 'node:child_process';
import { once } from 'node:events';

export async function startServer(platform, variant, issuer) {
  const child = fork(new URL('server.js', import.meta.url), [platform, variant, issuer], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [{ url }] = await once(child, 'message');
  return { url, stop: () => child.kill() };
}

/** Each request takes the next token; the answers must be what the work is about. */
export async function measure(url, tokens, { seconds, connections = 32, expected = 200 }) {
  let next = 0;
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [
      {
        setupRequest: (request) => ({
          ...request,
          headers: { ...request.headers, authorization: `Bearer ${tokens[next++ % tokens.length]}` },
        }),
      },
    ],
  });
  const other = result[`${Math.floor(expected / 100)}xx`] - (result.statusCodeStats[expected]?.count ?? 0);
  if (other !== 0 || result.errors > 0 || result.statusCodeStats[expected] === undefined) {
    throw new Error(`bench: expected ${expected}, got ${JSON.stringify(result.statusCodeStats)}`);
  }
  return { perSecond: result.requests.average, p99: result.latency.p99 };
}
