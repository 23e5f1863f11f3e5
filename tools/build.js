/** Compiles lib/ to dist/, makes dist/cjs of that, then compiles the samples against it to sample/dist/. */
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCommonJs } from './build-commonjs.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

function compile(project) {
  rmSync(join(dirname(project), 'dist'), { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

compile(join(root, 'tsconfig.build.json'));
// The command: npm makes it executable where it installs, npx from a folder does not.
chmodSync(join(root, 'dist', 'cli', 'main.js'), 0o755);
await buildCommonJs();
compile(join(root, 'sample', 'tsconfig.json'));
