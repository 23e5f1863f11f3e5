/** The proving ground: tries for minutes to get a wrong answer out of the built package; see README.md. */
import { parseArgs } from 'node:util';
import { fuzzDocuments } from './fuzz-documents.js';
import { fuzzRequests } from './fuzz-requests.js';
import { printReport } from './table.js';

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    seed: { type: 'string' },
    path: { type: 'string' },
    property: { type: 'string' },
    part: { type: 'string' },
  },
});

const problems = [];
for (const event of ['unhandledRejection', 'uncaughtException'])
  process.on(event, (error) => problems.push(`${event}: ${error?.stack ?? error}`));

const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
const settings = { seed, path: values.path, property: values.property };
const docs = await fuzzDocuments({ ...settings, milliseconds: values.short ? 6_000 : 30_000 });
console.dir(docs);
const report = await fuzzRequests({ ...settings, milliseconds: values.short ? 12_000 : 100_000 });
printReport({ fuzz: report }, seed, problems);
if (problems.length + report.wrong.length > 0) process.exitCode = 1;
