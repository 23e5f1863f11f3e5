/**
 * Bundles the compiled modules of dist/, for the entry points of package.json: ES modules in their place, and CommonJS in
 * dist/cjs for those that say `require`.
 *
 * Bundled, because every file that an application loads is paid for at its start: one file for each entry point, and what
 * they share. The declarations stay as they are, one for each module.
 *
 * Who gets which build, and why:
 *
 * - `import`, and `module-sync`: the ES modules. Node.js sets `module-sync` for `require`, too, wherever it can require
 *   an ES module, and that is every version in `engines`. So an application has one copy of this package, however many
 *   of its parts `require` it and how many `import` it: one class `AuthGuard` to inject and to override, one
 *   `TokenError` to compare with. And jose is the installed one: a fix of it arrives without a release of ours.
 * - `require`: this build. Jest takes it, whose CommonJS runtime loads no ES modules (but on Node.js 24.9 and later with
 *   `--experimental-vm-modules`, and then it sets `module-sync`, too); and so do bundlers that do not know
 *   `module-sync`, and a Node.js that was told not to require ES modules.
 *
 * Considered and left out: `require` alone, without `module-sync` (two copies in one process as soon as a CommonJS
 * library and an ES module both use the package); ES modules that wrap the CommonJS build (it would `require` Nest 12,
 * which is ES modules only, and which Jest cannot do).
 *
 * Should two copies meet all the same, what they leave on classes and requests goes by registered symbols and strings.
 *
 * zod is part of both builds, without what is not used of it: with its messages in fifty languages, which are loaded
 * whether or not anybody reads them, it was a third of the time that this package took to load. Packages that are ES
 * modules only are part of the CommonJS build; all others are imported or required. What is inside comes with its license.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const cjs = join(dist, 'cjs');
const { exports: entries, bin, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Development dependencies that are part of both builds. */
const BUNDLED = ['zod'];

const nameOf = (target) => target.replace(/^\.\/dist\/(cjs\/)?|\.js$/g, '');
const isEntry = (entry) => typeof entry === 'object';
/** `index`, `testing/index`, …: what can be required, and what can be loaded at all. */
const required = Object.values(entries)
  .filter((entry) => isEntry(entry) && entry.require)
  .map((entry) => nameOf(entry.require.default));
const loaded = [
  ...Object.values(entries)
    .filter(isEntry)
    .map((entry) => nameOf(entry.import.default)),
  ...Object.values(bin).map(nameOf),
];

function manifestOf(name) {
  return JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
}

/** There is nothing in it that `require` finds, or what it finds is an ES module. */
function isModulesOnly(name) {
  const entry = createRequire(join(root, 'package.json')).resolve(name);
  return !entry.endsWith('.cjs') && nearestType(dirname(entry)) === 'module';
}

function nearestType(folder) {
  const manifest = join(folder, 'package.json');
  return existsSync(manifest)
    ? JSON.parse(readFileSync(manifest, 'utf8')).type
    : nearestType(dirname(folder));
}

const isOurs = (id) => id.startsWith('.') || id.startsWith('/') || /^[A-Z]:/.test(id);

/** @param {string[]} names entry points @param {string[]} inlined packages @param {object} output */
async function bundle(names, inlined, output) {
  const isInlined = (id) => inlined.some((name) => id === name || id.startsWith(`${name}/`));
  const build = await rolldown({
    input: Object.fromEntries(names.map((name) => [name, join(dist, `${name}.js`)])),
    external: (id) => !isOurs(id) && !isInlined(id),
    platform: 'node',
    treeshake: { moduleSideEffects: true },
  });
  await build.write({
    entryFileNames: '[name].js',
    chunkFileNames: 'shared/[name].js',
    minify: false,
    ...output,
  });
  await build.close();
  writeLicenses(output.dir, inlined);
}

/** The declarations that the entry points reach, where `.d.ts` means CommonJS. */
function copyDeclarations() {
  const waiting = required.map((name) => `${name}.d.ts`);
  const copied = new Set();
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (copied.has(file)) continue;
    copied.add(file);
    mkdirSync(dirname(join(cjs, file)), { recursive: true });
    copyFileSync(join(dist, file), join(cjs, file));
    const text = readFileSync(join(dist, file), 'utf8');
    for (const [, target] of text.matchAll(/(?:from |import\()['"](\.{1,2}\/[^'"]+)\.js['"]/g)) {
      waiting.push(relative(dist, join(dist, dirname(file), `${target}.d.ts`)));
    }
  }
}

function writeLicenses(folder, inlined) {
  const parts = inlined.map((name) => {
    const { version, license } = manifestOf(name);
    const text = ['LICENSE.md', 'LICENSE', 'LICENSE.txt']
      .map((file) => join(root, 'node_modules', name, file))
      .find(existsSync);
    if (!text) throw new Error(`${name} has no license file to go with its code`);
    return `## ${name} ${version} (${license})\n\n${readFileSync(text, 'utf8').trim()}\n`;
  });
  const head = '# Part of this build\n\n';
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.md'), head + parts.join('\n'));
}

async function buildCommonJs() {
  const inlined = [...BUNDLED, ...Object.keys(dependencies).filter(isModulesOnly)].toSorted();
  // Jest's CommonJS runtime has no import() either.
  await bundle(required, inlined, { dir: cjs, format: 'cjs', dynamicImportInCjs: false });
  copyDeclarations();
  writeFileSync(join(cjs, 'package.json'), `${JSON.stringify({ type: 'commonjs' })}\n`);
}

/** Beside the modules that it is made of, then in their place. */
async function buildModules() {
  const made = join(dist, '.bundle');
  await bundle(loaded, BUNDLED, { dir: made, format: 'es' });
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.js') && !/^(cjs|schematics|\.bundle)\b/.test(file)) rmSync(join(dist, file));
  }
  cpSync(made, dist, { recursive: true });
  rmSync(made, { recursive: true });
}

/** For the Nest CLI, which requires it. Nothing of it is imported by applications, so that it has no types either. */
async function buildSchematics() {
  const made = join(dist, '.schematics');
  await bundle(['schematics/index'], BUNDLED, {
    dir: made,
    format: 'cjs',
    entryFileNames: 'index.cjs',
    chunkFileNames: 'shared-[name].cjs',
  });
  rmSync(join(made, 'THIRD-PARTY-LICENSES.md'));
  for (const folder of ['schematics', 'codemod', 'cli']) removeDeclarations(join(dist, folder));
  rmSync(join(dist, 'schematics'), { recursive: true });
  cpSync(made, join(dist, 'schematics'), { recursive: true });
  rmSync(made, { recursive: true });
  for (const file of ['collection.json', 'nest-add.json', 'protect.json'])
    copyFileSync(join(root, 'lib', 'schematics', file), join(dist, 'schematics', file));
}

function removeDeclarations(folder) {
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.d.ts')) rmSync(join(folder, file));
}

export async function bundleAll() {
  await buildCommonJs();
  await buildSchematics();
  await buildModules();
}
