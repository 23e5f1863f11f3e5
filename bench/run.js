/**
 * What does a guarded route cost? Variants side by side, in turns; see README.md.
 *
 * `--rounds <n>` `--seconds <s>` per measurement, `--full` for the record, `--json` writes results.json.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { installMissing } from '../tools/install-missing.js';

installMissing(fileURLToPath(new URL('.', import.meta.url)));
const { startIssuer } = await import('./issuer.js');
const { stopAll } = await import('./load.js');
const { printEnvironment, printHttp, printValidation, readEnvironment } = await import('./report.js');
const { measurePlatform } = await import('./rounds.js');
const { measureValidation } = await import('./validation.js');
const { makeWorks } = await import('./works.js');

const PLATFORMS = ['Fastify', 'Express'];
/** They are signed beforehand, which takes longer than checking them. */
const MOST_COLD_TOKENS = 2000;
/** Whatever hangs does not hang for ever. */
const LONGEST_RUN = 60 * 60 * 1000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    full: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const { full } = values;
const rounds = Number(values.rounds ?? (full ? 7 : 3));
const seconds = Number(values.seconds ?? (full ? 3 : 0.25));
if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 100)) throw new RangeError('--rounds is 1 to 100');
if (!(seconds >= 0.1 && seconds <= 60)) throw new RangeError('--seconds is 0.1 to 60');

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

const environment = readEnvironment();
printEnvironment(environment);
console.log(
  `${rounds} rounds of ${seconds} s, ${full ? 'new processes each round, ' : ''}32 connections; median (min–max)`,
);

console.log(
  '! the load generator was the limit: compare CPU per request; beside such a base, ratios flatter',
);

const source = await startIssuer();
const coldTokens = Math.min(MOST_COLD_TOKENS, Math.ceil(4000 * seconds));
const works = makeWorks(source, { rounds, coldTokens });

const http = [];
for (const platform of PLATFORMS) {
  const settings = { issuer: source.issuer, rounds, seconds, fresh: full };
  const rows = await measurePlatform(platform, works, settings);
  printHttp(rows);
  http.push(...rows);
}
const validation = await measureValidation(source, rounds);
printValidation(validation);

if (values.json) {
  const settings = { rounds, seconds, full, coldTokens };
  const results = { measuredAt: new Date().toISOString(), environment, settings, http, validation };
  const file = fileURLToPath(new URL('results.json', import.meta.url));
  const style = { ...(await resolveConfig(file)), parser: 'json' };
  writeFileSync(file, await format(JSON.stringify(results), style));
}
source.close();
process.exit();
