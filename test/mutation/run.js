/**
 * Changes the code of files of lib/ in many small ways, and counts how many changes the tests notice (Stryker).
 *
 *     npm run mutate -- access jose        these folders; without a name all of them, one after the other
 *     npm run mutate -- jose/strict-json   one file
 *
 * Reports are written to reports/mutation/. A folder may take half an hour on two cores; it is no part of .ci/run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installDependencies } from '../../tools/install-dependencies.js';
import { filesOf, reportOf, stagesOf } from './targets.js';
import { TESTS } from './tests-of-folder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const named = process.argv.slice(2).map((name) => name.replace(/\.ts$/, ''));
const targets = named.length > 0 ? named : Object.keys(TESTS);
const unknown = targets.filter((target) => filesOf(target).length === 0);
if (unknown.length > 0) {
  console.error(`Nothing to mutate: ${unknown.join(', ')}. Known are ${Object.keys(TESTS).join(', ')}.`);
  process.exit(2);
}

installDependencies(here);
const files = targets.flatMap(filesOf);
const failed = files.filter((file) => !mutate(file));
console.table(Object.fromEntries([...files, ...targets].map((each) => [each, scoreOf(each)])));
if (failed.length > 0) console.error(`Stryker failed for ${failed.join(', ')}.`);
process.exitCode = failed.length > 0 ? 1 : 0;

/** @returns whether Stryker could do it, whatever the score */
function mutate(file) {
  for (const end of ['.json', '.incremental.json']) rmSync(`${root}${reportOf(file)}${end}`, { force: true });
  return stagesOf(file).every((_, stage) => runStryker(file, stage));
}

function runStryker(file, stage) {
  const { status } = spawnSync(
    process.execPath,
    [`${here}node_modules/@stryker-mutator/core/bin/stryker.js`, 'run', `${here}stryker.config.js`],
    { cwd: root, stdio: 'inherit', env: { ...process.env, MUTATE: file, STAGE: String(stage) } },
  );
  return status === 0;
}

function scoreOf(target) {
  const statuses = filesOf(target)
    .map((file) => `${root}${reportOf(file)}.json`)
    .filter((report) => existsSync(report))
    .flatMap((report) => Object.values(JSON.parse(readFileSync(report, 'utf8')).files))
    .flatMap(({ mutants }) => mutants.map(({ status }) => status));
  const count = (...wanted) => statuses.filter((status) => wanted.includes(status)).length;
  const [detected, survived] = [count('Killed', 'Timeout'), count('Survived')];
  const percent = detected + survived > 0 ? Math.round((1000 * detected) / (detected + survived)) / 10 : '';
  return { 'detected, %': percent, detected, survived, 'not covered': count('NoCoverage') };
}
