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

/** Each request takes the next token, for so many seconds or (`each`) until every token was sent once. */
export async function measure(url, tokens, { seconds, each = false, connections = 32, expected = 200 }) {
  let next = 0;
  let [answers, first, last] = [0, 0, 0];
  const running = autocannon({
    url,
    connections,
    ...(each ? { amount: tokens.length } : { duration: seconds }),
    requests: [
      {
        setupRequest: (request) => ({
          ...request,
          headers: { ...request.headers, authorization: `Bearer ${tokens[next++ % tokens.length]}` },
        }),
      },
    ],
  });
  // Its own figures go by whole seconds.
  running.on('response', () => {
    last = performance.now();
    if (answers++ === 0) first = last;
  });
  const result = await running;
  const other = result[`${Math.floor(expected / 100)}xx`] - (result.statusCodeStats[expected]?.count ?? 0);
  if (other !== 0 || result.errors > 0 || result.statusCodeStats[expected] === undefined) {
    throw new Error(`bench: expected ${expected}, got ${JSON.stringify(result.statusCodeStats)}`);
  }
  return { perSecond: ((answers - 1) * 1000) / (last - first), p99: result.latency.p99 };
}
