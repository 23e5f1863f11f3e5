/**
 * Compiles lib/ to dist/, bundles it there and for CommonJS, then compiles the samples against it to sample/dist/.
 *
 * `--package` leaves the samples as they are: the tarball has none.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleAll } from './bundle.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

function compile(project) {
  rmSync(join(dirname(project), 'dist'), { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** The samples import this package by its name, as their copies do. The link is relative: a copy of this folder has its own. */
function linkPackage() {
  const link = join(root, 'sample', 'node_modules', 'nestjs-resource-server');
  if (existsSync(link) && realpathSync(link) === realpathSync(root)) return;
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join('..', '..'), link, 'junction');
}

compile(join(root, 'tsconfig.build.json'));
await bundleAll();
// The command: npm makes it executable where it installs, npx from a folder does not.
chmodSync(join(root, 'dist', 'cli', 'main.js'), 0o755);
if (!process.argv.includes('--package')) {
  linkPackage();
  compile(join(root, 'sample', 'tsconfig.json'));
}
