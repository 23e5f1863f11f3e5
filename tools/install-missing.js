/** Installs the dependencies when they are missing or older than the lock file, so that a fresh clone just runs. */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function isCurrent(folder) {
  const lock = join(folder, 'package-lock.json');
  const installed = join(folder, 'node_modules', '.package-lock.json');
  return (
    existsSync(installed) && (!existsSync(lock) || statSync(installed).mtimeMs >= statSync(lock).mtimeMs)
  );
}

/**
 * What the lock file says, in a folder of the repository, unless what is there is current.
 *
 * `npm install --no-save`, not `npm ci`: some registries lack the builds of tools for other platforms, so that a lock
 * file made with them lacks these, too, and `npm ci` refuses it. Neither package.json nor the lock file is changed.
 */
export function installMissing(folder = root) {
  if (isCurrent(folder)) return;
  console.error(`Installing dependencies in ${folder} …`);
  const { status } = spawnSync(
    'npm',
    ['install', '--no-save', '--no-fund', '--no-audit', '--loglevel=error'],
    {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    },
  );
  if (status !== 0) process.exit(status ?? 1);
}

installMissing();
