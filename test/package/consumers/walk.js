/** A stranger's path: a fresh folder, install, compile, start, call; and the stranger's own tests. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, withServer } from './commands.js';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..', '..');
export const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

/** The entry points that an application imports, by the names it imports them under. */
const { name: ownName, exports: entries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
export const ENTRY_POINTS = Object.keys(entries)
  .filter((entry) => entry !== './package.json')
  .map((entry) => ownName + entry.slice(1));

/** Open; without a token; with one of a foreign key; with a good one; with a good one that lacks a scope. */
export const GUARDED = '200 401 401 200 403';

const TYPE_TESTS = ['custom-claims.ts', 'claims.ts', 'known-scopes.ts', 'should-not-compile.ts'];

/** The program of each version of Node.js: the one that runs this, or one of the npm package `node`. */
export async function provideNode(version, work) {
  if (process.versions.node.startsWith(`${version}.`)) return process.execPath;
  const cwd = join(work, `node-${version}`);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, 'package.json'), '{"private":true}');
  await run('npm', [...INSTALL, `node@${version}`], { cwd });
  const program = join(
    cwd,
    'node_modules',
    'node',
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  const said = await run(program, ['--version'], { cwd });
  if (!said.startsWith(`v${version}.`)) throw new Error(`${program} is ${said}`);
  return program;
}

export async function installConsumer(kind, tarball, work) {
  const cwd = join(work, kind);
  cpSync(join(here, kind), cwd, { recursive: true });
  copyFileSync(join(here, 'one-copy.mjs'), join(cwd, 'one-copy.mjs'));
  // The type tests of this repository, by the types that are published.
  for (const file of TYPE_TESTS) copyFileSync(join(root, 'test', 'types', file), join(cwd, 'src', file));
  writeFileSync(join(cwd, 'src', 'entry-points.ts'), entryPointsModule());
  await run('npm', [...INSTALL, tarball], { cwd });
  return cwd;
}

function entryPointsModule() {
  const imports = ENTRY_POINTS.map((name, index) => `import * as entry${index} from '${name}';`);
  const members = ENTRY_POINTS.map((name, index) => `  '${name}': entry${index},`);
  return [...imports, '', 'export const entryPoints = {', ...members, '};', ''].join('\n');
}

/** The published types, checked as an application's own that does not skip the check of libraries. */
export async function checkTypes(cwd) {
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc');
  const said = await run(process.execPath, [tsc, '--noEmit', '--skipLibCheck', 'false'], { cwd }).catch(
    ({ message }) => message,
  );
  const ours = said
    .split('\n')
    .filter((line) => line.startsWith('src/') || line.startsWith(`node_modules/${ownName}/`));
  if (ours.length > 0) throw new Error(ours.join('\n'));
}

/** Always from nothing: what one compiler left behind must not help the next one. */
export async function compile(cwd, compiler, program) {
  rmSync(join(cwd, 'dist'), { recursive: true, force: true });
  const modules = join(cwd, 'node_modules');
  if (compiler === 'tsc') return run(program, [join(modules, 'typescript', 'bin', 'tsc')], { cwd });
  return run(
    program,
    [join(modules, '@swc', 'cli', 'bin', 'swc.js'), 'src', '-d', 'dist', '--strip-leading-paths'],
    { cwd },
  );
}

const RUNNERS = {
  async node({ kind, compiler }, cwd, program, env) {
    await compile(cwd, compiler, program);
    await run(program, ['one-copy.mjs', ...ENTRY_POINTS], { cwd });
    await callApplication([join('dist', 'main.js')], cwd, program, env);
    // What loads this package where `require` cannot load ES modules takes the CommonJS build.
    if (kind === 'nest11-commonjs') {
      await callApplication(['--no-experimental-require-module', join('dist', 'main.js')], cwd, program, env);
    }
  },
  async jest({ kind, compiler }, cwd, program, env) {
    const flags = kind === 'nest12-esm' ? ['--experimental-vm-modules'] : [];
    const jest = join('node_modules', 'jest', 'bin', 'jest.js');
    await run(program, [...flags, jest, '--config', `jest.${compiler}.json`], { cwd, env });
  },
  async vitest({ compiler }, cwd, program, env) {
    const vitest = join('node_modules', 'vitest', 'vitest.mjs');
    await run(program, [vitest, 'run', '--config', `vitest.${compiler}.mts`], { cwd, env });
  },
};

export async function walk(cell, cwd, program, env) {
  await RUNNERS[cell.runner](cell, cwd, program, env);
}

/** Every adapter that the application has. */
export async function callBoth(args, cwd, program, env) {
  for (const ADAPTER of ['express', 'fastify'])
    await callApplication(args, cwd, program, { ...env, ADAPTER }).catch(({ message }) => {
      throw new Error(`${ADAPTER}: ${message}`);
    });
}

export async function callApplication(args, cwd, program, env, expected = GUARDED) {
  await withServer(program, args, { cwd, env }, async (url) => {
    const authorization = `Bearer ${env.TOKEN}`;
    const answers = await Promise.all([
      fetch(`${url}/orders/status`),
      fetch(`${url}/orders`),
      fetch(`${url}/orders`, { headers: { authorization: `Bearer ${env.FORGED_TOKEN}` } }),
      fetch(`${url}/orders`, { headers: { authorization } }),
      fetch(`${url}/orders`, { method: 'POST', headers: { authorization } }),
    ]);
    const statuses = answers.map(({ status }) => status).join(' ');
    if (statuses !== expected) throw new Error(`answers ${statuses}, expected ${expected}`);
  });
}
