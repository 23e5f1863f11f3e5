/**
 * Builds MonoShop's front end, when it is not built yet or its sources have changed since; installs what it needs.
 *
 * Nothing but `npm ci` asks another machine for anything.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installDependencies } from './install-dependencies.js';

const web = fileURLToPath(new URL('../sample/monoshop/web/', import.meta.url));
const stamp = join(web, '.next', 'built-from');
const lockFile = join(web, '.next-lock');
const LONGEST_BUILD = 5 * 60 * 1000;
/** Made by the build itself, or read when the application starts. */
const NOT_SOURCES =
  /^(node_modules|\.next|\.next-lock|next-env\.d\.ts|\.env.*|.*\.(md|tsbuildinfo)|main\.js)$/;

/** What the build is made from: the same sources, the same sum. */
function sumUp(folder, hash = createHash('sha256')) {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !NOT_SOURCES.test(name));
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    hash.update(`${entry.name}\0`);
    if (entry.isDirectory()) sumUp(path, hash);
    else hash.update(readFileSync(path));
  }
  return hash;
}

/** Two at a time would build over each other: the second one waits, and finds it done. */
function lock() {
  for (;;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      process.once('exit', () => rmSync(lockFile, { force: true }));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const since = statSync(lockFile, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    // Whoever it was did not come to its end.
    if (Date.now() - since > LONGEST_BUILD) rmSync(lockFile, { force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

function buildWeb() {
  lock();
  installDependencies(web);
  const sum = sumUp(web).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sum) return;
  console.error('Building MonoShop’s front end …');
  const next = join(web, 'node_modules', 'next', 'dist', 'bin', 'next');
  const { status, stdout, stderr } = spawnSync(process.execPath, [next, 'build'], {
    cwd: web,
    encoding: 'utf8',
    // It would otherwise count its users, and ask a registry about builds of its compiler for other platforms.
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NEXT_IGNORE_INCORRECT_LOCKFILE: '1' },
  });
  if (status !== 0) {
    console.error(stdout + stderr);
    process.exit(status ?? 1);
  }
  writeFileSync(stamp, sum);
}

buildWeb();
