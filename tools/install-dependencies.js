/** Installs what a lock file names, by `npm ci`, where it is not installed yet. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Leaves package.json and the lock file as they are, and replaces `node_modules`, unless that is what the lock file says.
 *
 * @param folder one of the repository, with a package.json and a lock file of its own
 * @throws {Error} if npm fails; npm has said why on standard error
 */
export function installDependencies(folder) {
  if (isInstalled(folder)) return;
  console.error(`Installing dependencies in ${folder} …`);
  const { error, status } = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: folder,
    // Standard output belongs to the command that runs afterwards.
    stdio: ['ignore', process.stderr, process.stderr],
    shell: process.platform === 'win32',
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`npm ci failed in ${folder}`);
}

/**
 * Compares versions, not times: a checkout makes a lock file newer that says the same as before.
 *
 * npm keeps a list of what it installed. Packages for other platforms are optional, and not in it.
 */
function isInstalled(folder) {
  const installedList = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(installedList)) return false;
  const installed = readPackages(installedList);
  const { '': _root, ...wanted } = readPackages(join(folder, 'package-lock.json'));
  return Object.entries(wanted).every(([path, { version, optional, devOptional }]) =>
    installed[path] ? installed[path].version === version : optional || devOptional,
  );
}

function readPackages(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}
