/** What is said of it? Medians, with the smallest and the largest round beside them. */
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { BASE } from './variants.js';

export function median(list) {
  const sorted = list.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function spread(list, digits = 0) {
  const [middle, low, high] = [median(list), Math.min(...list), Math.max(...list)];
  return `${middle.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

/** @param {{ cpu: number }[]} rounds @param {{ cpu: number }[]} base in the same rounds */
export const multiplesOf = (rounds, base) => rounds.map(({ cpu }, round) => cpu / base[round].cpu);

const versionAt = (path) =>
  JSON.parse(readFileSync(new URL(`${path}/package.json`, import.meta.url), 'utf8')).version;

const INSTALLED = ['@nestjs/core', 'fastify', 'express', 'jose', 'oauth4webapi'];
const PEERS = [
  'autocannon',
  '@nestjs/passport',
  'passport',
  'passport-jwt',
  'jwks-rsa',
  'express-oauth2-jwt-bearer',
  'aws-jwt-verify',
  'fast-jwt',
];

export function readEnvironment() {
  const processors = cpus();
  return {
    node: process.version,
    openssl: process.versions.openssl,
    platform: `${process.platform} ${process.arch}`,
    cpu: `${processors.length} × ${processors[0]?.model ?? 'unknown'}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    versions: {
      'nestjs-resource-server': versionAt('..'),
      ...Object.fromEntries(INSTALLED.map((name) => [name, versionAt(`../node_modules/${name}`)])),
      ...Object.fromEntries(PEERS.map((name) => [name, versionAt(`node_modules/${name}`)])),
    },
  };
}

export function printEnvironment({ node, openssl, platform, cpu, memoryGiB, cores, versions }) {
  console.log(`Node ${node} (OpenSSL ${openssl}), ${platform}, ${cpu}, ${memoryGiB} GiB; ${cores}`);
  console.log(
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
  );
}

export function printTable(title, header, lines) {
  const widths = header.map((_, i) => Math.max(...[header, ...lines].map((line) => line[i].length)));
  console.log(`\n${title}`);
  for (const line of [header, ...lines]) {
    const cells = line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
    console.log(`  ${cells.join('   ')}`);
  }
}

/** Below this, it was the load generator that could not do more, and the ratio says little of the server. */
const SATURATED = 0.85;

function busyOf({ rounds }) {
  const busy = Math.min(1, median(rounds.map((round) => round.busy)));
  return `${(busy * 100).toFixed(0)} %${busy < SATURATED ? ' !' : '  '}`;
}

/** Each round is compared with the unguarded route of the same round. */
export function ratiosOf(row, rows) {
  const base = rows.find((each) => each.work === row.work && each.variant === BASE);
  return row.rounds.map(({ perSecond }, round) => perSecond / base.rounds[round].perSecond);
}

export function printHttp(rows) {
  for (const work of new Set(rows.map((row) => row.work))) {
    const lines = rows
      .filter((row) => row.work === work)
      .map((row) => [
        row.variant,
        spread(ratiosOf(row, rows), 2),
        spread(row.rounds.map(({ perSecond }) => perSecond)),
        spread(row.rounds.map(({ cpu }) => cpu)),
        busyOf(row),
        median(row.rounds.map(({ p50 }) => p50)).toFixed(1),
        median(row.rounds.map(({ p99 }) => p99)).toFixed(1),
      ]);
    const header = ['', '× unguarded', 'requests/s', 'CPU µs/request', 'busy', 'p50 ms', 'p99 ms'];
    printTable(`${rows[0].platform}, ${work}`, header, lines);
  }
}

export function printValidation(rows) {
  const lines = rows.map(({ alg, bare, cold, warm }) => [
    alg,
    spread(bare, 1),
    spread(cold, 1),
    (median(cold) - median(bare)).toFixed(1),
    spread(warm, 2),
  ]);
  const header = ['', 'bare node:crypto check', 'cold', 'cold − bare', 'warm'];
  printTable('Validation alone, in process, µs per token', header, lines);
}

export function printTenants(rows) {
  const base = median(rows[0]?.warm ?? []);
  const lines = rows.map(({ name, warm }) => [name, spread(warm, 2), (median(warm) / base).toFixed(2)]);
  printTable('A known token, in process, µs', ['', 'warm', 'ratio'], lines);
}
