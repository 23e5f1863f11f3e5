/**
 * Makes the CommonJS build, dist/cjs, out of the compiled ES modules, for the entry points of package.json that say
 * `require`.
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
 * Packages that are ES modules only are part of the build, with their licenses; all others are required.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const cjs = join(dist, 'cjs');
const { exports: entries, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** `index` -> `/…/dist/index.js`, for each entry point that can be required. */
const inputs = Object.fromEntries(
  Object.values(entries)
    .filter((entry) => typeof entry === 'object' && entry.require)
    .map(({ require: { default: target } }) => target.replace(/^\.\/dist\/cjs\/|\.js$/g, ''))
    .map((name) => [name, join(dist, `${name}.js`)]),
);

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

const inlined = Object.keys(dependencies).filter(isModulesOnly);
const isInlined = (id) => inlined.some((name) => id === name || id.startsWith(`${name}/`));
const isOurs = (id) => id.startsWith('.') || id.startsWith('/') || /^[A-Z]:/.test(id);

async function bundle() {
  const build = await rolldown({
    input: inputs,
    external: (id) => !isOurs(id) && !isInlined(id),
    platform: 'node',
    treeshake: { moduleSideEffects: true },
  });
  await build.write({
    dir: cjs,
    format: 'cjs',
    entryFileNames: '[name].js',
    chunkFileNames: 'shared/[name].js',
    // Jest's CommonJS runtime has no import() either.
    dynamicImportInCjs: false,
    minify: false,
  });
  await build.close();
}

/** The declarations that the entry points reach, where `.d.ts` means CommonJS. */
function copyDeclarations() {
  const waiting = Object.keys(inputs).map((name) => `${name}.d.ts`);
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

function writeLicenses() {
  const parts = inlined.map((name) => {
    const { version, license } = manifestOf(name);
    const text = ['LICENSE.md', 'LICENSE', 'LICENSE.txt']
      .map((file) => join(root, 'node_modules', name, file))
      .find(existsSync);
    if (!text) throw new Error(`${name} has no license file to go with its code`);
    return `## ${name} ${version} (${license})\n\n${readFileSync(text, 'utf8').trim()}\n`;
  });
  const head = '# Part of this build\n\n';
  writeFileSync(join(cjs, 'THIRD-PARTY-LICENSES.md'), head + parts.join('\n'));
}

export async function buildCommonJs() {
  await bundle();
  copyDeclarations();
  writeFileSync(join(cjs, 'package.json'), `${JSON.stringify({ type: 'commonjs' })}\n`);
  writeLicenses();
}
