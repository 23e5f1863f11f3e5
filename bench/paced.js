/** What does a route answer like that has time left? At a fixed rate: beside a yes, while keys refresh, in a flood. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { makeToken, makeTokens } from './issuer.js';
import { measure, startServer } from './load.js';
import { pace } from './pace.js';
import { printTable, spread } from './report.js';
import { inTurn } from './rounds.js';
import { MODULE, YES } from './variants.js';

const ROTATION = 500;
const WARM_UP = 1;
/** A tail needs requests. */
const AT_LEAST_SECONDS = 1;
/** Refreshed every 0.35 to 0.4 s, where the default is four minutes. */
const OFTEN = { jwksCacheDuration: 0.5 };
/** What a good caller sends amid the flood, requests a second. */
const GOOD_RATE = 300;

/** @param {{ name: string, variant: string, options?: object, keysAt?: string }[]} contenders */
async function startAll(platform, contenders, { source, tokens }) {
  const servers = [];
  for (const { name, variant, options, keysAt } of contenders) {
    const jwksUri = keysAt && `${source.issuer}${keysAt}`;
    const server = await startServer(platform, variant, source.issuer, { options: { ...options, jwksUri } });
    await measure(server, tokens, { seconds: WARM_UP, expected: 200 });
    servers.push({ name, server, keysAt, rounds: [] });
  }
  return servers;
}

/** Half of what the no-op guard can do here: the same for all. */
async function findRate(platform, { source, tokens, seconds }) {
  const [{ server }] = await startAll(platform, [{ name: YES, variant: YES }], { source, tokens });
  const { perSecond } = await measure(server, tokens, { seconds, expected: 200 });
  server.stop();
  return Math.round(perSecond / 2);
}

function finish(platform, rate, servers) {
  for (const { server } of servers) server.stop();
  return { platform, rate, rows: servers.map(({ name, rounds }) => ({ name, rounds })) };
}

const HEADER = ['', 'requests/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'CPU µs/request'];
const cells = (rounds) => [
  spread(rounds.map(({ perSecond }) => perSecond)),
  ...['p50', 'p99', 'p999'].map((name) =>
    spread(
      rounds.map((round) => round[name]),
      2,
    ),
  ),
  spread(rounds.map(({ cpu }) => cpu)),
];

/** The module beside the no-op guard; keys refreshed often beside seldom. */
async function paceContenders(title, contenders, { source, rounds, seconds, platforms }) {
  const tokens = makeTokens(source, ROTATION);
  const lasts = Math.max(seconds, AT_LEAST_SECONDS);
  const results = [];
  for (const platform of platforms) {
    const rate = await findRate(platform, { source, tokens, seconds });
    const servers = await startAll(platform, contenders, { source, tokens });
    for (let round = 0; round < rounds; round++) {
      for (const each of inTurn(servers, round)) {
        const asked = source.calls[each.keysAt];
        const result = await pace(each.server, tokens, { rate, seconds: lasts });
        each.rounds.push(each.keysAt ? { ...result, keyFetches: source.calls[each.keysAt] - asked } : result);
      }
    }
    const lines = servers.map((each) => [each.name, ...cells(each.rounds)]);
    printTable(`${platform}, ${title}: ${rate} requests a second`, HEADER, lines);
    for (const { name, keysAt, rounds: all } of servers)
      if (keysAt) console.log(`  ${name}: key sets fetched in these rounds: ${sum(all)}`);
    results.push(finish(platform, rate, servers));
  }
  return results;
}

const sum = (rounds) => rounds.reduce((total, { keyFetches }) => total + keyFetches, 0);

export const measureEqualLoad = (context) =>
  paceContenders(
    'equal load',
    [YES, MODULE].map((variant) => ({ name: variant, variant })),
    context,
  );

export const measureKeyRefresh = (context) =>
  paceContenders(
    'while keys refresh',
    [
      { name: 'keys fresh for 300 s', variant: MODULE, keysAt: '/jwks?seldom' },
      { name: 'keys fresh for 0.5 s', variant: MODULE, options: OFTEN, keysAt: '/jwks?often' },
    ],
    context,
  );

async function withFlood({ server, expected, token, seconds }, work) {
  const child = fork(new URL('flood.js', import.meta.url), [
    server.url,
    token,
    String(Math.ceil(seconds) + 1),
  ]);
  try {
    await once(child, 'message');
    const result = await work();
    const [{ statuses, errors, duration }] = await once(child, 'message');
    const others = Object.keys(statuses).filter((status) => !expected.includes(Number(status)));
    if (errors > 0 || others.length > 0)
      throw new Error(`bench: the flood was answered ${JSON.stringify(statuses)} with ${errors} errors`);
    const answered = expected.reduce((total, status) => total + (statuses[status] ?? 0), 0);
    return { ...result, floodPerSecond: answered / duration };
  } finally {
    child.kill('SIGKILL');
  }
}

/** Good tokens at a fixed rate, alone and amid as many forged ones as 32 connections carry. */
export async function measureFlood({ source, rounds, seconds }) {
  const tokens = makeTokens(source, ROTATION);
  const token = makeToken(source);
  const lasts = Math.max(seconds, AT_LEAST_SECONDS);
  const variants = [YES, 'jose by hand', 'aws-jwt-verify', 'fast-jwt, its cache on', MODULE];
  const contenders = variants.map((variant) => ({ name: variant, variant }));
  const servers = await startAll('Fastify', contenders, { source, tokens });
  const alone = new Map(servers.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, server, rounds: all } of inTurn(servers, round)) {
      const send = () => pace(server, tokens, { rate: GOOD_RATE, seconds: lasts });
      alone.get(name).push(await send());
      // This module spends half a core on signatures that do not verify, no more.
      const expected = name === YES ? [200] : name === MODULE ? [401, 503] : [401];
      all.push(await withFlood({ server, expected, token, seconds: lasts }, send));
    }
  }
  const latency = (list, name) =>
    spread(
      list.map((round) => round[name]),
      2,
    );
  const lines = servers.map(({ name, rounds: all }) => [
    name,
    latency(alone.get(name), 'p99'),
    latency(all, 'p50'),
    latency(all, 'p99'),
    spread(all.map(({ floodPerSecond }) => floodPerSecond)),
  ]);
  const header = ['', 'p99 ms alone', 'p50 ms in the flood', 'p99 ms in the flood', 'forged/s'];
  printTable(`Fastify, ${GOOD_RATE} good tokens a second amid forged ones`, header, lines);
  const result = finish('Fastify', GOOD_RATE, servers);
  return { ...result, rows: result.rows.map((row) => ({ ...row, alone: alone.get(row.name) })) };
}
