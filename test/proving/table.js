/** What was done and what came of it, for people to read. */

const TITLES = {
  requests: 'fuzz: what clients send',
  documents: 'fuzz: what providers send',
  faults: 'fault schedules',
  soak: 'soak',
};

export function printReport(reports, { seed, wrong, seconds }) {
  const rows = Object.entries(reports).map(([name, report]) => [
    TITLES[name],
    report.requests,
    report.wrong.length,
  ]);
  const total = rows.reduce((sum, [, requests]) => sum + requests, 0);
  print([['part', 'requests', 'wrong answers'], ...rows, ['all', total, wrong.length]]);
  const { requests, documents, faults, soak } = reports;
  if (requests) console.log(`\n${requests.good} answers were 200, ${requests.refused} were refusals`);
  const reasons = new Set([requests, documents].flatMap((report) => Object.keys(report?.stricter ?? {})));
  const stricter = [...reasons].map((reason) => [
    reason,
    (requests?.stricter[reason] ?? 0) + (documents?.stricter[reason] ?? 0),
  ]);
  if (stricter.length > 0) print([['stricter than the oracle, on purpose', 'answers'], ...stricter]);
  if (faults)
    print([
      ['fault', 'schedules', 'requests', 'wrong answers'],
      ...Object.entries(faults.kinds).map(rowOfFault),
    ]);
  if (soak)
    print([
      ['process', 'heap MB', 'RSS MB', 'sockets', 'handles', 'ended by itself'],
      ...soak.figures.map(rowOfSoak),
    ]);
  for (const each of wrong) console.log(`\nWRONG ${each}`);
  console.log(
    `\nseed ${seed}, ${Math.round(seconds)} s, ${Math.round(total / seconds)} requests a second, ${wrong.length} wrong answers`,
  );
}

const rowOfFault = ([kind, { schedules, requests, wrong }]) => [kind, schedules, requests, wrong];

function rowOfSoak({ child, before, after, endedByItself }) {
  const change = (of) => `${of(before)} -> ${of(after)}`;
  const megabytes = (name) => change((figures) => (figures[name] / 2 ** 20).toFixed(1));
  return [
    child.platform,
    megabytes('heapUsed'),
    megabytes('rss'),
    change(({ sockets }) => sockets),
    change(({ handles }) => handles.length),
    endedByItself ? 'yes' : 'no',
  ];
}

function print(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  const write = (row) => `| ${row.map((cell, column) => String(cell).padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = rows;
  console.log(
    ['', write(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(write)].join(
      '\n',
    ),
  );
}
