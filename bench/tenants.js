/**
 * What several issuers cost: microseconds for a known token, with 1 and with 100 issuers, in this process; and what a
 * thousand tenants leave in memory, each with keys of its own.
 */
import { createHook } from 'node:async_hooks';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { generateKeys } from '../test/support/generate-keys.js';
import { makeToken, makeTokens } from './issuer.js';
import { printTable } from './report.js';
import { measureWarm, startService } from './warm.js';

const TOKENS = 500;

/** The token's own issuer, and others that nobody is asked about. */
const others = (count) =>
  Array.from({ length: count }, (_, index) => ({ issuer: `https://tenant-${index}.example`, warmUp: 'off' }));

function makeVariants(issuer) {
  return [
    ['one issuer', { issuer }],
    ['100 issuers, a list', { issuers: [{ issuer }, ...others(99)] }],
    ['a function', { issuers: (iss) => (iss === issuer ? { issuer } : undefined) }],
  ];
}

/** @returns {Promise<{ name: string, warm: number[] }[]>} µs per token, by round */
export async function measureTenants(source, rounds) {
  const named = makeVariants(source.issuer);
  const variants = await Promise.all(named.map(([, options]) => startService(options)));
  const warm = await measureWarm(variants, makeTokens(source, TOKENS, 'ES256'), rounds);
  for (const { close } of variants) await close();
  return named.map(([name], index) => ({ name, warm: warm[index] }));
}

const TENANTS = 1000;

/** One server, a path for each issuer; all have the same `kid`. */
async function startTenants() {
  const tenants = new Map();
  const server = createServer((request, response) => {
    const [, name, ...rest] = request.url.split('/');
    const { issuer, keys } = tenants.get(name) ?? {};
    response.setHeader('content-type', 'application/json');
    const { publicKey } = keys.ES256;
    const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'key', use: 'sig', alg: 'ES256' }] };
    response.end(JSON.stringify(rest[0] === 'jwks' ? jwks : { issuer, jwks_uri: `${issuer}/jwks` }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  for (let i = 0; i < TENANTS; i++) {
    const keys = { ES256: { kid: 'key', ...generateKeys('ec', { namedCurve: 'P-256' }) } };
    tenants.set(`t${i}`, { issuer: `${origin}/t${i}`, keys });
  }
  return { tenants: [...tenants.values()], close: () => server.close() };
}

const idle = () => new Promise((resolve) => setTimeout(resolve, 300));

/** By kind, also of those that keep no process from ending. */
function countResources() {
  const alive = new Map();
  createHook({ init: (id, kind) => alive.set(id, kind), destroy: (id) => alive.delete(id) }).enable();
  return (kind) => [...alive.values()].filter((each) => each === kind).length;
}

function takeHeap() {
  globalThis.gc();
  return process.memoryUsage().heapUsed / 1024;
}

/** In a process of its own: one token of each tenant, then nothing. */
async function runThousand() {
  process.on('disconnect', () => process.exit());
  process.on('message', async (tokens) => {
    const count = countResources();
    const { validate } = await startService({ issuers: (issuer) => ({ issuer }) });
    await validate(tokens[0]);
    await idle();
    const before = takeHeap();
    const began = performance.now();
    for (const token of tokens) await validate(token);
    const took = performance.now() - began;
    await idle();
    process.send({
      heapKiB: (takeHeap() - before) / tokens.length,
      timers: count('Timeout'),
      sockets: count('TCPWRAP'),
      firstTokenMs: took / tokens.length,
    });
  });
}

/** @returns {Promise<{ heapKiB: number, timers: number, sockets: number, firstTokenMs: number }>} heap and time for each tenant */
export async function measureThousandTenants() {
  const { tenants, close } = await startTenants();
  const child = fork(fileURLToPath(import.meta.url), ['thousand'], { execArgv: ['--expose-gc'] });
  child.send(tenants.map((tenant) => makeToken(tenant, 'ES256')));
  const [row] = await once(child, 'message');
  child.disconnect();
  close();
  printTable(
    `${TENANTS.toLocaleString('en')} tenants of a function, each with keys of its own`,
    ['', 'heap each, KiB', 'first token each, ms', 'timers', 'open connections'],
    [['', row.heapKiB.toFixed(1), row.firstTokenMs.toFixed(1), String(row.timers), String(row.sockets)]],
  );
  return row;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === 'thousand') await runThousand();
