/** Each sample as its reader copies it: its folder, sample/support inside of it, npm install, npm start. */
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../consumers/commands.js';

const samples = fileURLToPath(new URL('../../../sample', import.meta.url));

export const listSamples = () =>
  readdirSync(samples).filter((name) => existsSync(join(samples, name, 'package.json')) && name !== 'dist');

/** What is in the repository, and nothing that was made there. */
const isSource = (file) => !/[\\/](node_modules|dist|\.next|\.env)([\\/]|$)/.test(file.slice(samples.length));

/** @returns the folder of the copy */
export async function copySample(name, tarball, work) {
  const cwd = join(work, `my-${name}`);
  mkdirSync(cwd);
  cpSync(join(samples, name), cwd, { recursive: true, filter: isSource });
  cpSync(join(samples, 'support'), join(cwd, 'support'), { recursive: true, filter: isSource });
  // The version that is not published yet, instead of the one that is.
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', tarball], {
    cwd,
  });
  return cwd;
}

/** @throws {Error} with the output, if a row of the sample's table is not as expected */
export const startSample = (cwd) => run('npm', ['start', '--silent', '--', '--once'], { cwd });
