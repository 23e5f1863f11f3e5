/** A server under load: its process, and what it answers to a list of tokens, how many a second, and how late. */
import autocannon from 'autocannon';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { nodeOnCores } from './pinning.js';

const CONNECTIONS = 32;
const START_TIMEOUT = 30_000;
const children = new Set();

export function stopAll() {
  for (const child of children) child.kill('SIGKILL');
}

/**
 * @typedef {{ cpu: number, active: number, idle: number, rss: number, heapUsed: number }} Usage
 * @typedef {{ url: string, ask: (question: 'usage' | 'memory') => Promise<Usage>, stop: () => void }} Server
 */

/**
 * @param {{ options?: object, execArgv?: string[], script?: string, workers?: number, sharing?: boolean }} [how] options:
 *   those of this module that differ from the defaults; sharing: on the load generator's core, too
 * @returns {Promise<Server>}
 */
export function startServer(platform, variant, issuer, how = {}) {
  const { options = {}, execArgv = [], script = 'server.js', workers, sharing = false } = how;
  const args = [platform, variant, issuer, JSON.stringify(options)];
  if (workers !== undefined) args.push(String(workers));
  const child = fork(new URL(script, import.meta.url), args, {
    ...nodeOnCores(sharing, execArgv),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`bench: ${variant} did not start`)), START_TIMEOUT);
    const settle = (then) => (value) => {
      clearTimeout(timer);
      then(value);
    };
    child.once('error', settle(reject));
    child.once(
      'exit',
      settle((code) => reject(new Error(`bench: ${variant} on ${platform} ended (${code})`))),
    );
    child.once(
      'message',
      settle(({ url }) => {
        const ask = (question) => askChild(child, question);
        resolve({ url, ask, stop: () => child.kill('SIGKILL') });
      }),
    );
  });
}

async function askChild(child, question) {
  const [answer] = await Promise.all([
    once(child, 'message', { signal: AbortSignal.timeout(START_TIMEOUT) }),
    child.send(question),
  ]);
  return answer[0];
}

/**
 * With `seconds`, the tokens rotate for so long; without, each is sent exactly once (there must be more of them than
 * connections: 32 unless `connections` says otherwise).
 *
 * Counts by itself from the first answer to the last: autocannon's own figures are rounded to its samples. An answer
 * that is not the expected one (or one of these) spoils the run: it would be another work that was measured.
 *
 * @param {Server} server
 * @returns {Promise<{ perSecond: number, p50: number, p99: number, cpu: number, busy: number }>} latencies in
 *   milliseconds; cpu: µs of the server's processor time per request, all its threads; busy: share of the time that its
 *   event loop was not idle
 */
export async function measure(server, tokens, { seconds, expected, connections = CONNECTIONS }) {
  // Written before the clock starts, for each connection its own: the load generator is to be idle, not the server.
  const shares = Array.from({ length: connections }, (_, i) =>
    tokens.filter((_token, j) => tokens.length < connections || j % connections === i),
  );
  let next = 0;
  let first;
  let last;
  const latencies = [];
  const statuses = {};
  const before = await server.ask('usage');
  const run = autocannon({
    url: server.url,
    connections,
    sampleInt: 20,
    ...(seconds === undefined ? { amount: tokens.length } : { duration: seconds }),
    setupClient: (client) => client.setRequests(shares[next++].map(toRequest)),
  });
  run.on('response', (_client, status, _bytes, latency) => {
    last = performance.now();
    first ??= last;
    latencies.push(latency);
    statuses[status] = (statuses[status] ?? 0) + 1;
  });
  const { errors } = await run;
  const after = await server.ask('usage');

  const asExpected = [expected].flat().reduce((sum, status) => sum + (statuses[status] ?? 0), 0);
  if (errors > 0 || latencies.length < connections || asExpected !== latencies.length) {
    throw new Error(
      `bench: ${server.url} answered ${JSON.stringify(statuses)} with ${errors} errors, expected ${expected}`,
    );
  }
  if (seconds === undefined && latencies.length !== tokens.length)
    throw new Error(`bench: ${latencies.length} answers to ${tokens.length} tokens`);
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.floor((latencies.length - 1) * share)];
  return {
    perSecond: ((latencies.length - 1) / (last - first)) * 1000,
    p50: at(0.5),
    p99: at(0.99),
    cpu: (after.cpu - before.cpu) / latencies.length,
    busy: (after.active - before.active) / (last - first),
  };
}

/** A token, or a whole request of autocannon. */
const toRequest = (token) =>
  typeof token === 'string' ? { headers: { authorization: `Bearer ${token}` } } : token;
