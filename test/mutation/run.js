/**
 * Changes the code of a folder of lib/ in many small ways, and counts how many changes its tests notice (Stryker).
 *
 *     npm run mutate -- access jose    these folders; without a name all of them, one after the other
 *
 * Reports are written to reports/mutation/. A folder may take half an hour on two cores; it is no part of .ci/run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installDependencies } from '../../tools/install-dependencies.js';
import { TESTS } from './tests-of-folder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const named = process.argv.slice(2);
const folders = named.length > 0 ? named : Object.keys(TESTS);
const unknown = folders.filter((folder) => !TESTS[folder] || !existsSync(`${root}/lib/${folder}`));
if (unknown.length > 0) {
  console.error(`No folder to mutate: ${unknown.join(', ')}. Known are ${Object.keys(TESTS).join(', ')}.`);
  process.exit(2);
}

installDependencies(here);
let failed = false;
for (const folder of folders) {
  const { status } = spawnSync(
    process.execPath,
    [`${here}node_modules/@stryker-mutator/core/bin/stryker.js`, 'run', `${here}stryker.config.js`],
    { cwd: root, stdio: 'inherit', env: { ...process.env, MUTATE: folder } },
  );
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;
