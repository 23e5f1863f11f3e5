/**
 * What does a guarded route cost? Variants side by side, interleaved round by round, medians with their spread.
 *
 * `--rounds 3 --seconds 2` by default; `--full` for the record.
 */
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readFileSync } from 'node:fs';
import { installMissing } from '../tools/install-missing.js';

installMissing(fileURLToPath(new URL('.', import.meta.url)));
const { startIssuer, makeToken } = await import('./issuer.js');
const { startServer, measure } = await import('./load.js');
const { measureValidation } = await import('./validation.js');

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    full: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds ?? (values.full ? 7 : 3));
const seconds = Number(values.seconds ?? (values.full ? 5 : 1));

const VARIANTS = ['unguarded', 'a guard that says yes', 'jose by hand', 'nestjs-resource-server'];
const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const spread = (list, digits = 0) =>
  `${median(list).toFixed(digits)} (${Math.min(...list).toFixed(digits)}–${Math.max(...list).toFixed(digits)})`;

const source = await startIssuer();

/** The tokens of each work, and the status that they get from a guard that checks them. */
const warm = Array.from({ length: 500 }, () => makeToken(source));
const WORKS = [
  { name: 'warm RS256, 500 tokens in rotation', tokens: () => warm, expected: 200 },
  ...['RS256', 'ES256'].map((alg) => ({
    // A token is new only once: each round has its own, and ends with them.
    name: `cold ${alg}, every token new`,
    tokens: () => Array.from({ length: 6000 }, () => makeToken(source, alg)),
    expected: 200,
    checked: true,
    once: true,
  })),
  {
    name: 'refusal: expired',
    tokens: () => Array.from({ length: 500 }, () => makeToken(source, 'RS256', { exp: 1_000_000_000 })),
    expected: 401,
    checked: true,
  },
  {
    name: 'refusal: bad signature',
    tokens: () =>
      warm.map(
        (token, i) =>
          token.slice(0, token.lastIndexOf('.')) + warm[i === 0 ? 1 : 0].slice(token.lastIndexOf('.')),
      ),
    expected: 401,
    checked: true,
  },
  { name: 'refusal: garbage', tokens: () => ['a.b.c'], expected: 401, checked: true },
];

const processor = cpus();
console.log(
  `Node ${process.version}, Nest ${versionOf('@nestjs/core')}, jose ${versionOf('jose')}; ${processor.length} × ${processor[0]?.model}`,
);
console.log(
  `${rounds} rounds of ${seconds} s per variant, interleaved; 32 connections; load and server share the machine\n`,
);

for (const platform of ['Fastify', 'Express']) {
  for (const { name, tokens, expected, checked = false, once = false } of WORKS) {
    const variants = VARIANTS.filter((variant) => !checked || !['a guard that says yes'].includes(variant));
    const results = new Map(variants.map((variant) => [variant, []]));
    for (let round = 0; round < rounds; round++) {
      const list = tokens();
      for (const variant of variants) {
        const server = await startServer(platform, variant, source.issuer);
        const guarded = !variant.startsWith('unguarded') && !variant.startsWith('a guard');
        const status = guarded ? expected : 200;
        try {
          // Keys fetched, code compiled, and for warm work every token seen.
          await measure(server.url, once ? [warm[0]] : list, {
            seconds: 1,
            expected: once ? 200 : status,
          });
          results
            .get(variant)
            .push(await measure(server.url, list, { seconds, each: once, expected: status }));
        } finally {
          server.stop();
        }
      }
    }
    const base = median(results.get('unguarded').map(({ perSecond }) => perSecond));
    console.log(`${platform}, ${name}`);
    for (const [variant, list] of results) {
      const perSecond = list.map((each) => each.perSecond);
      const ratio = (median(perSecond) / base).toFixed(2);
      console.log(
        `  ${variant.padEnd(24)} ${ratio.padStart(5)} × unguarded  ${spread(perSecond).padStart(24)} req/s  p99 ${median(list.map(({ p99 }) => p99))} ms`,
      );
    }
    console.log();
  }
}

console.log('Validation alone, µs per token');
for (const { alg, bare, cold, warm: again } of await measureValidation(source, rounds)) {
  console.log(
    `  ${alg}  bare node:crypto check ${spread(bare, 1)}  cold ${spread(cold, 1)}  warm ${spread(again, 1)}`,
  );
}
source.close();
process.exit();
