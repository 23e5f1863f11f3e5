/**
 * The proving ground: tries for minutes to get a wrong answer out of the built package; see README.md.
 *
 * `--short` for CI, `--times <n>` for n times as long, `--part fuzz|faults|soak`, `--seed <n>`; with what a failure prints: `--property <name> --path <p>`.
 */
import { parseArgs } from 'node:util';
import { runFaultSchedules } from './fault-schedules.js';
import { fuzzDocuments } from './fuzz-documents.js';
import { fuzzRequests } from './fuzz-requests.js';
import { FAULTS } from './provider-faults.js';
import { soak } from './soak.js';
import { printReport } from './table.js';

/** Longest time of each part, in milliseconds. */
const FULL = { requests: 120_000, documents: 20_000, faults: 60_000, soak: 80_000 };
const SHORT = { requests: 9_000, documents: 5_000, faults: 8_000, soak: 10_000 };
const PARTS = { fuzz: ['requests', 'documents'], faults: ['faults'], soak: ['soak'] };
const DOCUMENT_PROPERTIES = new Set(['keys', 'discovery', 'answers']);

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    times: { type: 'string', default: '1' },
    part: { type: 'string' },
    seed: { type: 'string' },
    property: { type: 'string' },
    path: { type: 'string' },
  },
});
const { short, part, property, path } = values;
if (part !== undefined && !Object.hasOwn(PARTS, part)) throw new RangeError('--part is fuzz, faults or soak');
const times = Number(values.times);
if (!(times > 0 && times <= 100)) throw new RangeError('--times is more than 0, 100 at the most');
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
if (!Number.isSafeInteger(seed)) throw new RangeError('--seed is a whole number');

const stray = [];
for (const event of ['unhandledRejection', 'uncaughtException'])
  process.on(event, (error) => stray.push(`${event}: ${error?.stack ?? error}`));

const RUN = { requests: fuzzRequests, documents: fuzzDocuments, faults: runFaultSchedules, soak };
const began = performance.now();
const reports = {};
for (const name of chosenParts()) {
  const milliseconds = (short ? SHORT : FULL)[name] * times;
  reports[name] = await RUN[name]({ seed, path, property, milliseconds });
}
const wrong = [...Object.values(reports).flatMap((report) => report.wrong), ...stray];
printReport(reports, { seed, wrong, seconds: (performance.now() - began) / 1000 });
process.exitCode = wrong.length > 0 ? 1 : 0;

function chosenParts() {
  if (property === undefined) return part === undefined ? Object.keys(RUN) : PARTS[part];
  if (Object.hasOwn(FAULTS, property)) return ['faults'];
  return [DOCUMENT_PROPERTIES.has(property) ? 'documents' : 'requests'];
}
