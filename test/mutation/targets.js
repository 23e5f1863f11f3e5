/** What can be mutated: a folder of lib/ that has a list of tests (`jose`), or a file in one (`jose/strict-json`). */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TESTS } from './tests-of-folder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The files of a folder, or the file itself; none for what is not known. */
export function filesOf(target) {
  if (!TESTS[folderOf(target)]) return [];
  if (existsSync(`${root}lib/${target}.ts`)) return [target];
  if (!existsSync(`${root}lib/${target}`)) return [];
  return readdirSync(`${root}lib/${target}`, { recursive: true })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${target}/${path.replaceAll('\\', '/').replace(/\.ts$/, '')}`)
    .toSorted();
}

/**
 * The patterns of the tests that judge a file, in stages: Stryker runs every test file of a stage for each mutant that it
 * covers, so that what the file's own unit test notices need not be shown to an application.
 */
export function stagesOf(file) {
  const all = TESTS[folderOf(file)];
  const own = `test/unit/${file}.spec.ts`;
  return existsSync(`${root}${own}`) ? [[own], all] : [all];
}

/** Where the report about a file is, without its extension. */
export function reportOf(file) {
  return `reports/mutation/${file}`;
}

function folderOf(target) {
  return target.split('/')[0];
}
