/**
 * For a run of the tests that was ended because it took too long: the test files without a result, one per line.
 *
 *     node tools/unfinished-tests.js OUTPUT             the files
 *     node tools/unfinished-tests.js OUTPUT REPORTS     what each process was waiting for, from Node's diagnostic reports
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [output, reports] = process.argv.slice(2);

if (reports) for (const file of readdirSync(reports)) describeProcess(file);
else for (const file of unfinishedFiles()) console.log(file);

function unfinishedFiles() {
  const listed = execFileSync(
    process.execPath,
    [join(root, 'node_modules/jest/bin/jest.js'), '--listTests'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  const results = readFileSync(output, 'utf8').matchAll(/^(?:PASS|FAIL) (\S+)/gm);
  const reported = new Set(Array.from(results, ([, file]) => file));
  return listed
    .split('\n')
    .filter(Boolean)
    .map((file) => relative(root, file))
    .filter((file) => !reported.has(file));
}

/** Only Jest's own processes: a test starts others. A process in an endless loop writes no report. */
function describeProcess(file) {
  const { header, libuv } = JSON.parse(readFileSync(join(reports, file), 'utf8'));
  if (!header.commandLine.some((part) => part.includes('jest'))) return;
  const waitsFor = libuv.filter(({ is_active }) => is_active).map(({ type }) => type);
  console.log(`== process ${header.processId}: ${header.commandLine.join(' ')}`);
  console.log(`  waits for: ${waitsFor.join(' ') || 'nothing'}`);
}
