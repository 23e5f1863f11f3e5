/** Which figures does docs/scale.md name? Those of results.json, between its markers: `node bench/scale.js`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median, multiplesOf } from './report.js';
import { INTROSPECTING, MODULE, YES } from './variants.js';

const PAGE = fileURLToPath(new URL('../docs/scale.md', import.meta.url));
const FIGURES = ['<!-- figures: node bench/scale.js -->', '<!-- end of figures -->'];
const REFUSALS = ['<!-- refusals: node bench/scale.js -->', '<!-- end of refusals -->'];
/** Tokens that one instance remembers at the most. */
const REMEMBERED = 10_000;
const FLEET = { requests: 100_000, instances: 100 };
const MISSING = 'not measured';

/** @param {Record<string, { data: object }>} sections @returns {[string, string][]} */
export function figuresOf(sections) {
  const cpu = (section, work, variant) =>
    sections[section]?.data
      .find((row) => row.platform === 'Fastify' && row.work === work && row.variant === variant)
      ?.rounds.map((round) => round.cpu);
  /** In the same round, so that a slow machine is slow for both. */
  const added = (section, work, variant, base) => {
    const [with_, without] = [cpu(section, work, variant), cpu(section, work, base)];
    return with_ && without && median(with_.map((value, round) => value - without[round]));
  };
  const micro = (value) => (value === undefined ? MISSING : `${value.toFixed(0)} µs`);

  const warm = added('http', 'warm RS256', MODULE, YES);
  const cold = (alg) => added('http', `cold ${alg}`, MODULE, YES);
  const forged = cpu('http', 'refusal: bad signature', MODULE);
  const cores = (each, share = 1) => (each === undefined ? undefined : (FLEET.requests * share * each) / 1e6);
  const inCores = (value) => (value === undefined ? MISSING : `${value.toFixed(1)} cores`);

  return [
    ['w: CPU added to a request with a known token', micro(warm)],
    ['c: CPU added by a new RS256 token', micro(cold('RS256'))],
    ['c: CPU added by a new ES256 token', micro(cold('ES256'))],
    ['c: CPU added by a new EdDSA token', micro(cold('EdDSA'))],
    ['CPU of a request with a forged token, all of it', micro(forged && median(forged))],
    [
      'i: CPU added by an introspection call',
      micro(added('introspection', 'introspection, cold', INTROSPECTING, 'unguarded')),
    ],
    ...memoryOf(sections.memory?.data),
    ...latencyOf(sections['equal-load']?.data),
    ...workersOf(sections.workers?.data),
    ['100,000 requests per second, all known: all instances together', inCores(cores(warm))],
    ['of these, in each of a hundred instances', inCores(warm && cores(warm) / FLEET.instances)],
    [
      '100,000 requests per second, all new RS256 tokens: all instances together',
      inCores(cores(cold('RS256'))),
    ],
    [
      '100,000 requests per second, one in a hundred new: all instances together',
      inCores(warm && cores(warm, 0.99) + cores(cold('RS256'), 0.01)),
    ],
  ];
}

function memoryOf(data) {
  if (!data) return [['m: heap per cached token', MISSING]];
  const grown = (variant, name) => {
    const { idle, after } = data.rows.find((row) => row.variant === variant);
    return after[name] - idle[name];
  };
  const perToken = ((grown(MODULE, 'heap') - grown(YES, 'heap')) * 1024) / Math.min(data.tokens, REMEMBERED);
  const after = `after ${data.tokens.toLocaleString('en')} distinct tokens, above the idle process`;
  return [
    ['m: heap per cached token', `${perToken.toFixed(1)} KiB`],
    [`heap ${after}`, `${grown(MODULE, 'heap').toFixed(0)} MiB`],
    [`resident set ${after}`, `${grown(MODULE, 'rss').toFixed(0)} MiB`],
  ];
}

function latencyOf(data = []) {
  return data.flatMap(({ platform, rate, rows }) =>
    rows.map(({ name, rounds }) => [
      `p99 at ${rate.toLocaleString('en')} requests per second on ${platform}, ${name}`,
      `${median(rounds.map(({ p99 }) => p99)).toFixed(2)} ms`,
    ]),
  );
}

function workersOf(data) {
  if (!data) return [];
  return data.rows.map(({ variant, workers, rounds }) => [
    `requests per second, ${workers} ${workers === 1 ? 'process' : 'processes'} (${data.where}), ${variant}`,
    Math.round(median(rounds.map(({ perSecond }) => perSecond))).toLocaleString('en'),
  ]);
}

/** On what, when, how long: of each section that was read, once. */
function sourcesOf(sections) {
  const lines = Object.values(sections).map(
    ({ measuredAt, environment, settings }) =>
      `${measuredAt.slice(0, 10)}, ${environment.cpu}, Node ${environment.node}, ${environment.cores}; ` +
      `${settings.rounds} rounds of ${settings.seconds} s`,
  );
  return [...new Set(lines)].map((line) => `Measured ${line}.`).join('\n');
}

/** Each class of refused request beside a good one whose token is known. */
export function refusalsOf({ refusals }) {
  if (!refusals) return [[MISSING, MISSING, MISSING]];
  const multiples = (platform) => {
    const rows = refusals.data.filter((row) => row.platform === platform);
    return new Map(
      rows.map(({ work, rounds }) => [work, median(multiplesOf(rounds, rows[0].rounds)).toFixed(2)]),
    );
  };
  const [fastify, express] = ['Fastify', 'Express'].map(multiples);
  const works = [...new Set(refusals.data.map(({ work }) => work))];
  return works.map((work) => [work, fastify.get(work) ?? MISSING, express.get(work) ?? MISSING]);
}

/** @param {string} page @param {Record<string, object>} sections */
export function fillIn(page, { refusals, ...sections }) {
  const figures = replaceBetween(page, FIGURES, ['figure', 'median'], figuresOf(sections), sections);
  const header = ['request', '× on Fastify', '× on Express'];
  return replaceBetween(figures, REFUSALS, header, refusalsOf({ refusals }), refusals ? { refusals } : {});
}

function replaceBetween(page, [begin, end], header, rows, sections) {
  const [start, stop] = [page.indexOf(begin), page.indexOf(end)];
  if (start === -1 || stop < start) throw new Error(`bench: ${PAGE} has no ${begin}`);
  const lines = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const parts = [begin, '', ...lines, '', sourcesOf(sections), ''];
  return page.slice(0, start) + parts.join('\n') + '\n' + page.slice(stop);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { sections } = JSON.parse(readFileSync(new URL('results.json', import.meta.url), 'utf8'));
  writeFileSync(PAGE, fillIn(readFileSync(PAGE, 'utf8'), sections));
}
