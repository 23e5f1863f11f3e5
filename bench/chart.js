/** What does it look like? Bars with their spread, as SVG: `node bench/chart.js` draws results.json into docs/img. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median, ratiosOf } from './report.js';

const WIDTH = 760;
const LABELS = 280;
const VALUES = 70;
const BAR = 16;
const STEP = 24;
const HEAD = 52;
const GROUP = 26;
const OURS = /^nestjs-resource-server|cold$|keys fresh for 0/;

/** The page's own background shows through; only ink changes with the theme. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 } .quiet { fill: #59636e; font-size: 12px }
  .bar { fill: #8c959f } .ours { fill: #0969da } .spread { stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .quiet { fill: #9198a1 }
    .bar { fill: #6e7681 } .ours { fill: #4493f8 } .spread { stroke: #f0f6fc }
  }`;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function format(value) {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** @param {{ title: string, note: string, groups: { name: string, bars: { label: string, values: number[] }[] }[] }} chart */
export function drawChart({ title, note, groups }) {
  const most = Math.max(...groups.flatMap(({ bars }) => bars.flatMap(({ values }) => values)), 1e-9);
  const scale = (value) => (Math.max(0, value) / most) * (WIDTH - LABELS - VALUES);
  const parts = [
    `<text class="title" x="8" y="20">${escape(title)}</text>`,
    `<text class="quiet" x="8" y="38">${escape(note)}</text>`,
  ];
  let y = HEAD;
  for (const { name, bars } of groups) {
    parts.push(`<text class="quiet" x="8" y="${y + 16}">${escape(name)}</text>`);
    y += GROUP;
    for (const { label, values } of bars) {
      const end = LABELS + scale(median(values));
      const [low, high] = [LABELS + scale(Math.min(...values)), LABELS + scale(Math.max(...values))];
      const middle = y + BAR / 2;
      parts.push(
        `<text x="${LABELS - 8}" y="${y + 13}" text-anchor="end">${escape(label)}</text>`,
        `<rect class="${OURS.test(label) ? 'ours' : 'bar'}" x="${LABELS}" y="${y}" width="${(end - LABELS).toFixed(1)}" height="${BAR}" rx="2"/>`,
        `<path class="spread" d="M${low.toFixed(1)} ${middle}H${high.toFixed(1)}"/>`,
        `<text x="${(Math.max(end, high) + 6).toFixed(1)}" y="${y + 13}">${format(median(values))}</text>`,
      );
      y += STEP;
    }
    y += 6;
  }
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${escape(title)}">`;
  return `${head}\n<style>${STYLE}\n</style>\n${parts.join('\n')}\n</svg>\n`;
}

/** One group for each platform and work. */
function groupsOf(rows, belongs) {
  const picked = rows.filter(({ work }) => belongs(work));
  const names = new Set(picked.map(({ platform, work }) => `${platform}, ${work}`));
  return [...names].map((name) => ({
    name,
    bars: picked
      .filter(({ platform, work }) => `${platform}, ${work}` === name)
      .map((row) => ({
        label: row.variant,
        values: ratiosOf(
          row,
          rows.filter((each) => each.platform === row.platform),
        ),
      })),
  }));
}

const latencies = (data, name) =>
  data.map(({ platform, rate, rows }) => ({
    name: `${platform}, ${rate} requests a second`,
    bars: rows.map((row) => ({ label: row.name, values: row.rounds.map((round) => round[name]) })),
  }));

const RATIO = 'Requests per second as a share of an unguarded route, same round; longer is better';
const TAIL = '99th percentile in milliseconds at a fixed rate; shorter is better';

/** By the section that they show. */
const CHARTS = {
  http: (rows) => [
    ['warm', 'Warm tokens', RATIO, groupsOf(rows, (work) => work.startsWith('warm'))],
    ['cold', 'Every token new', RATIO, groupsOf(rows, (work) => work.startsWith('cold'))],
    ['refusals', 'Refusals', RATIO, groupsOf(rows, (work) => work.startsWith('refusal'))],
  ],
  introspection: (rows) => [
    ['introspection', 'Introspection, a provider that takes 20 ms', RATIO, groupsOf(rows, () => true)],
  ],
  'equal-load': (data) => [['equal-load', 'Tail at equal load', TAIL, latencies(data, 'p99')]],
  'key-refresh': (data) => [['key-refresh', 'Tail while keys refresh', TAIL, latencies(data, 'p99')]],
  flood: (data) => [['flood', 'Good tokens amid a flood of forged ones', TAIL, latencies([data], 'p99')]],
  memory: ({ tokens, rows }) => [
    [
      'memory',
      `Memory after ${tokens} distinct tokens`,
      'MiB above the idle process, after a collection; shorter is better',
      ['heap', 'rss'].map((name) => ({
        name: name === 'rss' ? 'resident set' : 'heap',
        bars: rows.map(({ variant, idle, after }) => ({
          label: variant,
          values: [after[name] - idle[name]],
        })),
      })),
    ],
  ],
  start: (data) => [
    [
      'start',
      'From the process to listening',
      'Milliseconds; shorter is better',
      data.map(({ platform, rows }) => ({
        name: platform,
        bars: rows.map(({ name, rounds }) => ({
          label: name,
          values: rounds.map(({ listening }) => listening),
        })),
      })),
    ],
  ],
  workers: ({ rows }) => [
    [
      'workers',
      'Worker processes on one port, warm tokens',
      'Requests per second; longer is better',
      [1, 2, 4].map((count) => ({
        name: count === 1 ? '1 process' : `${count} processes`,
        bars: rows
          .filter(({ workers }) => workers === count)
          .map(({ variant, rounds }) => ({
            label: variant,
            values: rounds.map(({ perSecond }) => perSecond),
          })),
      })),
    ],
  ],
  validation: (rows) => [
    [
      'validation',
      'Validation alone, in process',
      'Microseconds per token that was not seen before, beside the bare check of its signature; shorter is better',
      rows.map(({ alg, bare, cold }) => ({
        name: alg,
        bars: [
          { label: 'bare node:crypto check', values: bare },
          { label: 'TokenValidationService, cold', values: cold },
        ],
      })),
    ],
  ],
};

/** @param {Record<string, { data: object }>} sections of results.json */
export function writeCharts(sections) {
  const folder = new URL('../docs/img/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const [section, { data }] of Object.entries(sections)) {
    for (const [name, title, note, groups] of CHARTS[section]?.(data) ?? [])
      writeFileSync(new URL(`bench-${name}.svg`, folder), drawChart({ title, note, groups }));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const results = readFileSync(new URL('results.json', import.meta.url), 'utf8');
  writeCharts(JSON.parse(results).sections);
}
