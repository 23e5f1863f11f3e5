/**
 * What several issuers cost: microseconds for a known token, with 1 and with 100 issuers, in this process; and what a
 * thousand tenants leave in memory, each with keys of its own.
 */
import 'reflect-metadata';
import { createHook } from 'node:async_hooks';
import { fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthModule, TokenValidationService } from '../dist/index.js';
import { AUDIENCE, makeToken, makeTokens } from './issuer.js';
import { printTable } from './report.js';

const TOKENS = 500;
const PASSES = 40;
/** Rounds that only compile. */
const LEAD_IN = 2;

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

async function start(options) {
  class AppModule {}
  Module({ imports: [AuthModule.forRoot({ audience: AUDIENCE, ...options })] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const service = app.get(TokenValidationService);
  const validate = (token) => service.validateAccessToken(token, { scopes: ['read:things'] });
  return { validate, close: () => app.close() };
}

async function time(tokens, validate) {
  const started = process.hrtime.bigint();
  for (let pass = 0; pass < PASSES; pass++) for (const token of tokens) await validate(token);
  return Number(process.hrtime.bigint() - started) / 1000 / (PASSES * tokens.length);
}

/** @returns {Promise<{ name: string, warm: number[] }[]>} µs per token, by round; variants take turns */
export async function measureTenants(source, rounds) {
  const variants = await Promise.all(
    makeVariants(source.issuer).map(async ([name, options]) => ({
      name,
      warm: [],
      ...(await start(options)),
    })),
  );
  const tokens = makeTokens(source, TOKENS, 'ES256');
  for (const { validate } of variants) for (const token of tokens) await validate(token);
  for (let round = -LEAD_IN; round < rounds; round++) {
    const offset = Math.abs(round) % variants.length;
    for (const { warm, validate } of [...variants.slice(offset), ...variants.slice(0, offset)]) {
      const microseconds = await time(tokens, validate);
      if (round >= 0) warm.push(microseconds);
    }
  }
  for (const { close } of variants) await close();
  return variants.map(({ name, warm }) => ({ name, warm }));
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
    const keys = { ES256: { kid: 'key', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) } };
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
    const { validate } = await start({ issuers: (issuer) => ({ issuer }) });
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
