/** Runtimes other than Node.js. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { restoreSources, TYPES } from './bundles.js';
import { run } from './commands.js';
import { callBoth, INSTALL } from './walk.js';

/** The kind of consumer that they run. */
export const KIND = 'nest12-esm';

/** Where their npm packages keep the program, and how it runs a file. */
const RUNTIMES = {
  Bun: { name: 'bun', program: (modules) => join(modules, 'bun', 'bin', 'bun.exe'), args: [] },
  Deno: {
    name: 'deno',
    program(modules) {
      const [platform] = readdirSync(join(modules, '@deno'));
      return join(modules, '@deno', platform, process.platform === 'win32' ? 'deno.exe' : 'deno');
    },
    args: ['run', '--allow-all'],
  },
};

export function chooseRuntimes({ only = '' } = {}) {
  return Object.keys(RUNTIMES).filter((name) => name.includes(only));
}

/** Makes `dist`, which each of them runs. */
export async function compileForRuntimes(cwd) {
  restoreSources(KIND, cwd);
  rmSync(join(cwd, 'dist'), { recursive: true, force: true });
  await run(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc'), ...TYPES], { cwd });
}

export async function installRuntime(runtime, work) {
  const { name, program } = RUNTIMES[runtime];
  const cwd = join(work, `runtime-${name}`);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, 'package.json'), '{"private":true}');
  await run('npm', [...INSTALL, name], { cwd });
  return program(join(cwd, 'node_modules'));
}

/** Tokens that are validated here, then the same ones by introspection, which uses other connections. */
export async function callOn(runtime, program, cwd, { environment, introspection }) {
  const args = [...RUNTIMES[runtime].args, join('dist', 'main.js')];
  await callBoth(args, cwd, program, environment);
  await callBoth(args, cwd, program, { ...environment, ...introspection });
}
