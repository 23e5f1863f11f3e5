/**
 * What does a guarded route cost? Variants side by side, in turns; see README.md.
 *
 * `--only <section,…>` `--rounds <n>` `--seconds <s>` per measurement, `--platform <name>`, `--full` for the record,
 * `--unpinned`, `--json` writes results.json and the charts.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { installDependencies } from '../tools/install-dependencies.js';

installDependencies(fileURLToPath(new URL('.', import.meta.url)));
const { writeCharts } = await import('./chart.js');
const { startIssuer } = await import('./issuer.js');
const { stopAll } = await import('./load.js');
const { pinApart } = await import('./pinning.js');
const { printEnvironment, readEnvironment } = await import('./report.js');
const { SECTIONS } = await import('./sections.js');

const PLATFORMS = ['Fastify', 'Express'];
/** They are signed beforehand, which takes longer than checking them. */
const MOST_COLD_TOKENS = 5000;
/** For memory; for the record, a million. */
const DISTINCT_TOKENS = { short: 50_000, full: 1_000_000 };
/** Whatever hangs does not hang for ever. */
const LONGEST_RUN = 4 * 60 * 60 * 1000;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    platform: { type: 'string' },
    tokens: { type: 'string' },
    full: { type: 'boolean', default: false },
    unpinned: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const { full } = values;
const rounds = Number(values.rounds ?? (full ? 7 : 3));
const seconds = Number(values.seconds ?? (full ? 3 : 0.2));
const distinctTokens = Number(values.tokens ?? (full ? DISTINCT_TOKENS.full : DISTINCT_TOKENS.short));
if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 100)) throw new RangeError('--rounds is 1 to 100');
if (!(seconds >= 0.1 && seconds <= 60)) throw new RangeError('--seconds is 0.1 to 60');
if (!(Number.isInteger(distinctTokens) && distinctTokens >= 100))
  throw new RangeError('--tokens is 100 or more');
const daily = Object.keys(SECTIONS).filter((name) => full || SECTIONS[name].daily);
const names = values.only?.split(',') ?? daily;
for (const name of names)
  if (!SECTIONS[name]) throw new RangeError(`--only is some of ${Object.keys(SECTIONS).join(', ')}`);
const platforms = values.platform?.split(',') ?? (full ? PLATFORMS : PLATFORMS.slice(0, 1));
for (const name of platforms)
  if (!PLATFORMS.includes(name)) throw new RangeError(`--platform is some of ${PLATFORMS.join(', ')}`);

process.on('exit', stopAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    console.error(`bench: stopped by ${signal}`);
    process.exit(1);
  });
}
setTimeout(() => {
  console.error('bench: gave up, it took too long');
  process.exit(1);
}, LONGEST_RUN).unref();

const environment = { ...readEnvironment(), cores: pinApart(!values.unpinned) };
printEnvironment(environment);
console.log(
  `${rounds} rounds of ${seconds} s, ${full ? 'new processes each round, ' : ''}32 connections; median (min–max)`,
);
console.log(
  '! the load generator was the limit: compare CPU per request; beside such a base, ratios flatter',
);
if (!platforms.includes('Express'))
  console.log('express-oauth2-jwt-bearer is left out: it is middleware for Express');

const source = await startIssuer();
const coldTokens = Math.min(MOST_COLD_TOKENS, Math.ceil(4000 * seconds));
const settings = { rounds, seconds, full, platforms, coldTokens, distinctTokens };

for (const name of names) {
  const started = performance.now();
  const data = await SECTIONS[name].run({ source, fresh: full, ...settings });
  console.log(`(${name} took ${((performance.now() - started) / 1000).toFixed(0)} s)`);
  // After each section, so that a run that is stopped keeps what it has measured.
  if (values.json) await keep(name, data);
}
source.close();
process.exit();

/** What was not measured now stays as it was: each section says when, on what and how. */
async function keep(name, data) {
  const file = fileURLToPath(new URL('results.json', import.meta.url));
  const sections = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')).sections ?? {}) : {};
  sections[name] = { measuredAt: new Date().toISOString(), environment, settings, data };
  const style = { ...(await resolveConfig(file)), parser: 'json' };
  writeFileSync(file, await format(JSON.stringify({ sections }), style));
  writeCharts(sections);
}
