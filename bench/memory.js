/** What stays in memory after many distinct tokens? Above the idle process, after a collection, with the defaults. */
import { makeTokens } from './issuer.js';
import { measure, startServer } from './load.js';
import { printTable } from './report.js';
import { MODULE, YES } from './variants.js';

/** Signed as they are needed, with the cheapest key: a million tokens at once would not fit anywhere. */
const CHUNK = 5000;
const ALG = 'EdDSA';
/** Sent before "idle" is read: code is compiled, connections have been there. */
const LEAD_IN = 500;
const MIB = 2 ** 20;

const readMemory = async (server) => {
  const { rss, heapUsed } = await server.ask('memory');
  return { rss: rss / MIB, heap: heapUsed / MIB };
};

/** @returns {Promise<{ tokens: number, alg: string, rows: object[] }>} MiB */
export async function measureMemory({ source, distinctTokens }) {
  const rows = [];
  for (const variant of [YES, MODULE]) {
    const server = await startServer('Fastify', variant, source.issuer, { execArgv: ['--expose-gc'] });
    const warm = makeTokens(source, 1, ALG);
    await measure(server, Array(LEAD_IN).fill(warm[0]), { expected: 200 });
    rows.push({ variant, server, idle: await readMemory(server) });
  }
  for (let sent = 0; sent < distinctTokens; sent += CHUNK) {
    const tokens = makeTokens(source, Math.min(CHUNK, distinctTokens - sent), ALG);
    for (const { server } of rows) await measure(server, tokens, { expected: 200 });
  }
  for (const row of rows) {
    row.after = await readMemory(row.server);
    row.server.stop();
    delete row.server;
  }
  const grown = ({ idle, after }, name) => (after[name] - idle[name]).toFixed(1);
  const lines = rows.map((row) => [
    row.variant,
    row.idle.heap.toFixed(1),
    grown(row, 'heap'),
    row.idle.rss.toFixed(1),
    grown(row, 'rss'),
  ]);
  const header = ['', 'heap idle', 'heap grown by', 'RSS idle', 'RSS grown by'];
  printTable(`Fastify, memory after ${distinctTokens} distinct ${ALG} tokens, MiB`, header, lines);
  return { tokens: distinctTokens, alg: ALG, rows };
}
